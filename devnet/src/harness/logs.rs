//! What the nodes of this process log, so that a story can see which name a lie was caught by.

use std::{
    io::Write,
    sync::{Mutex, Once, PoisonError},
};
use tracing_subscriber::fmt::MakeWriter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static CAPTURE: Once = Once::new();

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

#[derive(Clone, Copy, Debug)]
struct Log;

/// Keeps everything from INFO on. Does nothing the second time, or if the program has a subscriber of its own.
pub(super) fn capture() {
    CAPTURE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_writer(Log);
        let _ = subscriber.try_init();
    });
}

/// Now.
pub fn log_mark() -> Mark {
    Mark(LOG.lock().unwrap_or_else(PoisonError::into_inner).len())
}

/// What was logged since `mark`.
pub fn logged_since(mark: Mark) -> String {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(log.get(mark.0..).unwrap_or_default()).into_owned()
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}
