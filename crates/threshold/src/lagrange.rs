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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_interpolate_and_seats_may_not_repeat() {
        // [DERIVE-8] f(x) = 5 + 3x + 7x², at seats in any order; and the twin in which one seat stands twice.
        let value = |x: u32| Scalar::from(5 + 3 * x + 7 * x * x);
        let seats = [4, 1, 9];
        let at = |x: u16| {
            let coefficients = coefficients_vartime(&seats, x)?;
            let values = seats.iter().map(|seat| value(u32::from(*seat)));
            let terms = values.zip(coefficients).map(|(value, factor)| value * factor);
            Some(terms.sum::<Scalar>())
        };
        assert_eq!(at(0), Some(value(0)));
        assert_eq!(at(20), Some(value(20)));
        assert_eq!(at(4), Some(value(4)));
        assert_eq!(coefficients_vartime(&[4, 1, 4], 0), None);
    }
}
