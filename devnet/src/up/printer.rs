//! Step by step, with the time since the start.

use crate::bring_up::Tell;
use std::time::Instant;

pub(super) struct Printer {
    started: Instant,
}

impl Printer {
    pub(super) fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Tell for Printer {
    fn step(&mut self, words: String) {
        println!("{:>6.1} s  {words}", self.started.elapsed().as_secs_f32());
    }

    fn detail(&mut self, words: String) {
        println!("            {words}");
    }
}
