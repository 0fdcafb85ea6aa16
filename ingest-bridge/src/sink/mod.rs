//! Where records go.

mod disk;
mod file;
mod incarnation;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
mod segments;

use std::{io, path::Path};

use bytes::Bytes;
use headwater_bridge_flow::{To, Trace};

use crate::report::Reporter;

/// A place for records. It promises what the [flow](headwater_bridge_flow) asks of a producer: order per partition, a
/// report for each record in time, and `Ok` only for what is durable. It reports by its [`Reporter`], from any thread,
/// and tells the incarnation of its storage (and the number of partitions, if it has them) before the first `Ok`.
/// No call waits for anything.
pub trait Sink: Send {
    /// Begins anew: throws away what it still holds of the records before, then reports `ProducerBuilt` or
    /// `ProducerFailed`.
    fn build(&mut self);
    /// Takes a record; its report follows.
    fn produce(&mut self, record: Produce);
    /// No more will come for the moment.
    fn flush(&mut self) {}
}

/// A record for a sink.
#[derive(Clone, Debug)]
pub struct Produce {
    /// For the report.
    pub attempt: u64,
    /// Which topic and partition.
    pub to: To,
    /// By which it is ordered.
    pub key: Bytes,
    /// Its bytes.
    pub body: Bytes,
    /// The trace that it belongs to; only a sink with headers has a place for it.
    pub trace: Option<Trace>,
}

/// A sink of segment files in `dir`, as the embedded log has them: `headwater` reads such a directory. Dead letters go
/// into `dir/dead-letters`.
pub fn segments(dir: &Path, reporter: Reporter) -> io::Result<Box<dyn Sink>> {
    disk::sink(segments::Segments::opener(dir.to_owned()), reporter)
}

/// A sink that appends lines to a file. Dead letters go into one beside it.
pub fn file(path: &Path, reporter: Reporter) -> io::Result<Box<dyn Sink>> {
    disk::sink(file::Lines::opener(path.to_owned()), reporter)
}
