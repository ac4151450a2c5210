//! How much judging one source, and one app on one device, gets in a minute. Prevents: boot loops and replayed evidence that
//! eat a victim's share (A17).

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Windows that are remembered at most; above it, finished ones are dropped first, then all.
const MAX_KEYS: usize = 65_536;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts by key, in windows of a minute.
#[derive(Debug)]
pub(crate) struct Budgets<K> {
    per_minute: u32,
    windows: Mutex<HashMap<K, (Instant, u32)>>,
}

impl<K: Eq + Hash> Budgets<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, windows: Mutex::new(HashMap::new()) }
    }

    /// Takes one from the budget of `key`; false if it is used up.
    pub(crate) fn take(&self, key: K, now: Instant) -> bool {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_KEYS {
            windows.retain(|_, (start, _)| now.duration_since(*start) < WINDOW);
            if windows.len() >= MAX_KEYS {
                windows.clear();
            }
        }
        let (start, taken) = windows.entry(key).or_insert((now, 0));
        if now.duration_since(*start) >= WINDOW {
            (*start, *taken) = (now, 0);
        }
        *taken = taken.saturating_add(1);
        *taken <= self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_per_key_and_comes_back_after_a_minute() {
        // [AUTH-1] by source, [AUTH-3] by app and device. A17
        let budgets = Budgets::new(2);
        let start = Instant::now();
        assert!(budgets.take("a", start) && budgets.take("a", start));
        assert!(!budgets.take("a", start));
        assert!(budgets.take("b", start));
        assert!(budgets.take("a", start + WINDOW));
    }
}
