//! Lagrange coefficients over seats. Everything here is public, and so variable time.
#![expect(clippy::arithmetic_side_effects, reason = "field operations can't overflow")]

use k256::Scalar;

/// λ_i for interpolating at `at` from the values at `seats`; `None` if a seat repeats.
pub(crate) fn coefficients_vartime(seats: &[u16], at: u16) -> Option<Vec<Scalar>> {
    let at = Scalar::from(u32::from(at));
    seats.iter().map(|seat| coefficient_vartime(seats, *seat, at)).collect()
}

/// Π_{j≠i} (x − j) / (i − j).
fn coefficient_vartime(seats: &[u16], seat: u16, at: Scalar) -> Option<Scalar> {
    let own = Scalar::from(u32::from(seat));
    let mut appeared = 0usize;
    let (mut numerator, mut denominator) = (Scalar::ONE, Scalar::ONE);
    for other in seats {
        if *other == seat {
            appeared += 1;
            continue;
        }
        let other = Scalar::from(u32::from(*other));
        numerator *= at - other;
        denominator *= own - other;
    }
    if appeared != 1 {
        return None;
    }
    Option::from(denominator.invert_vartime()).map(|inverse: Scalar| numerator * inverse)
}
