//! Sets of `size` out of `count` indices, at most `limit` of them: all in order, or a sample where there are more.

use sha2::{Digest, Sha256};

/// The iterator.
pub(super) enum Subsets {
    All { count: usize, next: Option<Vec<usize>> },
    Sampled { count: usize, size: usize, left: usize, stream: Stream },
}

impl Subsets {
    pub(super) fn new(count: usize, size: usize, limit: usize, seed: &[u8]) -> Self {
        if binomial_up_to(count, size, limit).is_some() {
            let next = (size <= count).then(|| (0..size).collect());
            return Self::All { count, next };
        }
        Self::Sampled { count, size, left: limit, stream: Stream::new(seed) }
    }
}

impl Iterator for Subsets {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        match self {
            Self::All { count, next } => {
                let current = next.take()?;
                *next = successor(&current, *count);
                Some(current)
            }
            Self::Sampled { count, size, left, stream } => {
                *left = left.checked_sub(1)?;
                Some(sample(*count, *size, stream))
            }
        }
    }
}

/// The next set in lexicographic order.
fn successor(current: &[usize], count: usize) -> Option<Vec<usize>> {
    let size = current.len();
    // The rightmost index that can grow, its new value, and its successors behind it.
    let (position, value) = current.iter().enumerate().rev().find_map(|(position, value)| {
        let behind = size.checked_sub(position)?;
        let grown = value.checked_add(1)?;
        (grown.checked_add(behind)? <= count).then_some((position, grown))
    })?;
    let kept = current.iter().copied().take(position);
    Some(kept.chain(value..).take(size).collect())
}

/// C(count, size), unless it is above `limit`.
fn binomial_up_to(count: usize, size: usize, limit: usize) -> Option<usize> {
    let size = size.min(count.saturating_sub(size));
    let mut result = 1usize;
    for step in 0..size {
        // After each step the product is C(count, step + 1), so it is whole.
        result =
            result.checked_mul(count.saturating_sub(step))?.checked_div(step.checked_add(1)?)?;
        if result > limit {
            return None;
        }
    }
    Some(result)
}

/// The first `size` of a random order of `0..count` (Fisher-Yates).
fn sample(count: usize, size: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for position in 0..size {
        let rest = count.saturating_sub(position);
        order.swap(position, position.saturating_add(stream.below(rest)));
    }
    order.truncate(size);
    order
}

/// Numbers from SHA-256 in counter mode: a sample that its own answers seed needs no other randomness.
pub(super) struct Stream {
    seed: [u8; 32],
    counter: u64,
}

impl Stream {
    fn new(seed: &[u8]) -> Self {
        Self { seed: Sha256::digest(seed).into(), counter: 0 }
    }

    /// A number below `bound`, with a bias below 2⁻⁵⁰ for our bounds; 0 if the bound is 0.
    fn below(&mut self, bound: usize) -> usize {
        let block: [u8; 32] = Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into();
        self.counter = self.counter.wrapping_add(1);
        let number = block.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        let bounded = u64::try_from(bound).ok().and_then(|bound| number.checked_rem(bound));
        bounded.and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_once_where_they_are_few() {
        // [DERIVE-9]
        let sets: Vec<_> = Subsets::new(5, 3, 1_000, &[]).collect();
        assert_eq!(sets.len(), 10);
        assert_eq!(sets.first(), Some(&vec![0, 1, 2]));
        assert_eq!(sets.last(), Some(&vec![2, 3, 4]));
        let distinct: std::collections::BTreeSet<_> = sets.into_iter().collect();
        assert_eq!(distinct.len(), 10);
        assert_eq!(Subsets::new(3, 3, 1_000, &[]).count(), 1);
        assert_eq!(Subsets::new(2, 3, 1_000, &[]).count(), 0);
    }

    #[test]
    fn a_bounded_sample_where_they_are_many() {
        // [DERIVE-9]
        let sets: Vec<_> = Subsets::new(100, 67, 50, b"seed").collect();
        assert_eq!(sets.len(), 50);
        for set in sets {
            let distinct: std::collections::BTreeSet<_> = set.iter().collect();
            assert_eq!((set.len(), distinct.len()), (67, 67));
            assert!(set.iter().all(|index| *index < 100));
        }
    }
}
