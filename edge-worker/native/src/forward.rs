//! The way to the stage behind.

use std::{future::Future, sync::Arc};

use headwater_collector::Unavailable;

/// Takes the records of one request and makes them durable.
pub trait Forward: Send + Sync + 'static {
    /// Appends the records, in this order, as one append. `Ok` says that all of them are durable (fsync, or
    /// the broker's `acks=all`); anything else, also not knowing, is [`Unavailable`]. A copy of records that
    /// were durable after all is harmless.
    fn forward(&self, records: Vec<Vec<u8>>) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Which incarnation of its storage the stage behind is: drawn anew when that is created or restored.
    /// Asked after each answer; when it changes, the seen cache forgets everything. The default is for a
    /// storage that cannot change while this process lives.
    fn incarnation(&self) -> u128 {
        0
    }
}

impl<F: Forward> Forward for Arc<F> {
    fn forward(&self, records: Vec<Vec<u8>>) -> impl Future<Output = Result<(), Unavailable>> + Send {
        F::forward(self, records)
    }

    fn incarnation(&self) -> u128 {
        F::incarnation(self)
    }
}
