use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::Error;

/// The answer to an append, to be had when its records are durable (or never will be): either
/// [`wait`](Self::wait), or `.await` in any async runtime. Dropping it takes nothing back.
#[derive(Debug)]
#[must_use = "only its answer says that the records are durable"]
pub struct Receipt(oneshot::Receiver<Outcome>);

/// What a [`Receipt`] becomes when it is awaited.
#[derive(Debug)]
pub struct ReceiptFuture(oneshot::AsyncReceiver<Outcome>);

/// Why an append is not durable.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Too much is waiting; try again later.
    #[error("too many bytes wait to be written")]
    Busy,
    /// The log was closed before it took the append, or its thread is gone.
    #[error("the log is closed")]
    Closed,
    /// A write or fsync failed, for this append or an earlier one.
    #[error("the log failed: {0}")]
    Failed(Arc<Error>),
    /// A record is empty or too long ([`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES)); nothing was queued.
    #[error("a record of {0} bytes cannot be written")]
    RecordSize(usize),
}

type Outcome = Result<u64, AppendError>;

impl Receipt {
    pub(super) fn new(receiver: oneshot::Receiver<Outcome>) -> Self {
        Self(receiver)
    }

    /// Blocks until the records are durable and returns the offset of the first.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn wait(self) -> Result<u64, AppendError> {
        self.0.recv().unwrap_or(Err(AppendError::Closed))
    }
}

impl IntoFuture for Receipt {
    type Output = Outcome;
    type IntoFuture = ReceiptFuture;

    fn into_future(self) -> ReceiptFuture {
        ReceiptFuture(self.0.into_future())
    }
}

impl Future for ReceiptFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(AppendError::Closed)))
    }
}
