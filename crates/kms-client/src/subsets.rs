//! Sets of `size` items in their order, at most `limit` of them.

/// Every set of `size` of `items` that `fits`, as far as the limit goes. An unfit beginning is not followed.
pub(crate) fn subsets<T: Copy>(
    items: &[T],
    size: usize,
    limit: usize,
    fits: &impl Fn(&[T], &T) -> bool,
) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    extend(items, size, limit, fits, &mut Vec::new(), &mut found);
    found
}

fn extend<T: Copy>(
    rest: &[T],
    size: usize,
    limit: usize,
    fits: &impl Fn(&[T], &T) -> bool,
    chosen: &mut Vec<T>,
    found: &mut Vec<Vec<T>>,
) {
    let missing = size.saturating_sub(chosen.len());
    if missing == 0 {
        found.push(chosen.clone());
        return;
    }
    let mut rest = rest;
    while let [first, tail @ ..] = rest {
        if rest.len() < missing || found.len() >= limit {
            return;
        }
        if fits(chosen, first) {
            chosen.push(*first);
            extend(tail, size, limit, fits, chosen, found);
            chosen.pop();
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sets_in_order_up_to_the_limit() {
        let all = subsets(&[1, 2, 3, 4], 3, 100, &|_, _| true);
        assert_eq!(all, [[1, 2, 3], [1, 2, 4], [1, 3, 4], [2, 3, 4]]);
        assert_eq!(subsets(&[1, 2, 3, 4], 3, 2, &|_, _| true).len(), 2);
        assert!(subsets(&[1, 2], 3, 100, &|_, _| true).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let distinct = |chosen: &[i32], next: &i32| !chosen.contains(next);
        assert_eq!(subsets(&[1, 1, 2], 2, 100, &distinct), [[1, 2], [1, 2]]);
    }
}
