//! Counters for the admin listener, in Prometheus' text format.

use std::sync::atomic::{AtomicU64, Ordering};

/// What this node has done since it started.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) authorized: AtomicU64,
    pub(crate) released: AtomicU64,
    pub(crate) denied: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) relayed: AtomicU64,
    pub(crate) internal: AtomicU64,
}

impl Metrics {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters, and the gauges that are given.
    pub(crate) fn render(&self, gauges: &[(&str, &str, u64)]) -> String {
        let counters = [
            ("quorate_authorized_total", "issuances authorized", &self.authorized),
            ("quorate_released_total", "releases answered with partials", &self.released),
            ("quorate_denied_total", "requests denied by policy", &self.denied),
            ("quorate_refused_total", "requests refused for another reason", &self.refused),
            ("quorate_relayed_total", "records paid for", &self.relayed),
            ("quorate_internal_errors_total", "faults of this node", &self.internal),
        ];
        let mut text = String::new();
        for (name, help, counter) in counters {
            let value = counter.load(Ordering::Relaxed);
            text += &format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
        }
        for (name, help, value) in gauges {
            text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
        }
        text
    }
}
