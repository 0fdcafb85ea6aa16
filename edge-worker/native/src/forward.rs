//! The way to the stage behind.

use std::{future::Future, sync::Arc};

use headwater_collector::{Unavailable, bridge::Forwarded};
use headwater_schema::Trace;

/// Takes the records of one request and makes them durable.
pub trait Forward: Send + Sync + 'static {
    /// Appends the records, in this order, as one append. `Ok` says that all of them are durable (fsync, or
    /// the broker's `acks=all`) but those that it names; anything else, also not knowing, is [`Unavailable`]. A copy
    /// of records that were durable after all is harmless.
    ///
    /// `trace` is what the request's headers said of the trace that it belongs to.
    fn forward(
        &self,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
    ) -> impl Future<Output = Result<Forwarded, Unavailable>> + Send;

    /// Whether records would be taken now, as far as that can be seen without any.
    fn ready(&self) -> impl Future<Output = Result<(), Unavailable>> + Send {
        async { Ok(()) }
    }
}

impl<F: Forward> Forward for Arc<F> {
    fn forward(
        &self,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
    ) -> impl Future<Output = Result<Forwarded, Unavailable>> + Send {
        F::forward(self, records, trace)
    }

    fn ready(&self) -> impl Future<Output = Result<(), Unavailable>> + Send {
        F::ready(self)
    }
}
