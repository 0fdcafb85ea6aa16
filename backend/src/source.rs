//! Waiting for records, which is the one thing a [`Source`](headwater_consumer::Source) does not do.

use std::time::Duration;

/// A source that can be waited for.
pub trait Wait {
    /// Waits until some part has durable records at or beyond its next offset, at most for `timeout`.
    fn wait(&mut self, next: &[(i32, u64)], timeout: Duration);

    /// The server stops: what comes from now on is left for the next start. A source that others end, as the log is
    /// closed, need not know.
    fn end(&mut self) {}
}
