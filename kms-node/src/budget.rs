//! How much judging one source, and one app on one device, gets in a minute. Prevents: boot loops and replayed evidence that
//! eat a victim's share (A17).

use alloy::primitives::B256;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Windows that are remembered at most; above it, finished ones are dropped first, then all.
const MAX_KEYS: usize = 65_536;
const WINDOW: Duration = Duration::from_secs(60);
/// Requests that have paid are remembered up to so many; the oldest is forgotten first, and a copy of it pays again.
const MAX_PAID: usize = 4_096;

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

/// Budgets of which each request takes once, however many copies of it come: they carry the victim's quote, so anyone who saw
/// it can make them, and judging them is what the budget of their source is for.
#[derive(Debug)]
pub(crate) struct PaidOnce<K> {
    budgets: Budgets<K>,
    paid: Mutex<Paid>,
}

#[derive(Debug, Default)]
struct Paid {
    requests: HashSet<B256>,
    oldest_first: VecDeque<B256>,
}

impl<K: Eq + Hash> PaidOnce<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { budgets: Budgets::new(per_minute), paid: Mutex::default() }
    }

    /// Takes one from the budget of `key` unless `request` has paid; false if it is used up. A request that was refused
    /// has not paid.
    pub(crate) fn take_once(&self, key: K, request: B256, now: Instant) -> bool {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if paid.requests.contains(&request) {
            return true;
        }
        if !self.budgets.take(key, now) {
            return false;
        }
        paid.requests.insert(request);
        paid.oldest_first.push_back(request);
        if paid.oldest_first.len() > MAX_PAID
            && let Some(oldest) = paid.oldest_first.pop_front()
        {
            paid.requests.remove(&oldest);
        }
        true
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

    #[test]
    fn copies_of_a_request_pay_once() {
        // [AUTH-3] A17: a relay's copies of a victim's request leave the victim its budget.
        let budgets = PaidOnce::new(2);
        let start = Instant::now();
        let request = B256::repeat_byte;
        for _ in 0..60 {
            assert!(budgets.take_once("app", request(1), start));
        }
        assert!(budgets.take_once("app", request(2), start));
        assert!(!budgets.take_once("app", request(3), start), "two requests a minute are two");
        assert!(!budgets.take_once("app", request(3), start), "a refused one has not paid");
        assert!(budgets.take_once("app", request(1), start), "what has paid is judged");
        assert!(budgets.take_once("app", request(3), start + WINDOW));
    }
}
