//! The way to the stage behind.

use std::{future::Future, sync::Arc};

use headwater_collector::Unavailable;
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
}

/// The answer of the stage behind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Forwarded {
    /// For which incarnation of its storage it speaks: drawn anew when that is created or restored. With another one
    /// than before the seen cache forgets everything; while it is not known, nothing is remembered. For a storage that
    /// cannot change while this process lives, any number that stays.
    pub incarnation: Option<u128>,
    /// The records that it will never take, by their place in the request, with what is wrong with them.
    pub rejected: Vec<(usize, String)>,
}

impl Forwarded {
    /// Everything is durable in this incarnation of the storage.
    #[must_use]
    pub fn all(incarnation: u128) -> Self {
        Self { incarnation: Some(incarnation), rejected: Vec::new() }
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
}
