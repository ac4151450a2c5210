//! A task that ends with whoever waits for it: dropped, it is stopped where it stands.

use anyhow::{Context, Result};
use std::future::Future;
use tokio::task::JoinHandle;

#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<Result<T>> {
    pub(crate) fn spawn(work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// What comes out.
    pub(crate) async fn end(mut self) -> Result<T> {
        (&mut self.0).await.context("a task of the indexer panicked")?
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
