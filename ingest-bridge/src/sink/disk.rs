//! A sink of files: a thread that writes what has come, fsyncs once, and reports all of it.

use std::{io, sync::mpsc, thread};

use headwater_bridge_flow::{Failure, Input};

use super::{Produce, Sink};
use crate::report::Reporter;

/// Bytes that are written before an fsync, about.
const AT_ONCE_BYTES: usize = 4 << 20;

/// Files that records are appended to.
pub(super) trait Store {
    /// Which incarnation of the files these are.
    fn incarnation(&self) -> u128;
    /// Appends a record. One that can never be written is refused with the reason.
    fn append(&mut self, record: &Produce) -> io::Result<Result<(), String>>;
    /// Makes all appends durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Opens the files, again after they failed.
pub(super) type Opener<S> = Box<dyn FnMut() -> io::Result<S> + Send>;

pub(super) fn sink<S: Store + Send + 'static>(
    opener: Opener<S>,
    reporter: Reporter,
) -> io::Result<Box<dyn Sink>> {
    let (orders, waiting) = mpsc::channel();
    let writer = Writer { opener, reporter, store: None };
    thread::Builder::new().name("hw-sink".to_owned()).spawn(move || writer.run(&waiting))?;
    Ok(Box::new(DiskSink { orders, batch: Vec::new() }))
}

enum Order {
    Build,
    Write(Vec<Produce>),
}

struct DiskSink {
    orders: mpsc::Sender<Order>,
    batch: Vec<Produce>,
}

impl Sink for DiskSink {
    fn build(&mut self) {
        self.batch.clear();
        let _ = self.orders.send(Order::Build);
    }

    fn produce(&mut self, record: Produce) {
        self.batch.push(record);
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            let _ = self.orders.send(Order::Write(std::mem::take(&mut self.batch)));
        }
    }
}

struct Writer<S> {
    opener: Opener<S>,
    reporter: Reporter,
    store: Option<S>,
}

impl<S: Store> Writer<S> {
    fn run(mut self, orders: &mpsc::Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            let mut order = Some(order);
            let mut batch = Vec::new();
            let mut bytes = 0;
            while let Some(next) = order.take() {
                match next {
                    // Nobody waits for what came before it.
                    Order::Build => {
                        batch.clear();
                        self.build();
                    }
                    Order::Write(records) => {
                        bytes += records.iter().map(|record| record.body.len()).sum::<usize>();
                        batch.extend(records);
                    }
                }
                if bytes < AT_ONCE_BYTES {
                    order = orders.try_recv().ok();
                }
            }
            self.write(&batch);
        }
    }

    fn build(&mut self) {
        self.store = None;
        match (self.opener)() {
            Ok(store) => {
                self.reporter.tell(Input::Incarnation(store.incarnation()));
                self.reporter.tell(Input::ProducerBuilt);
                self.store = Some(store);
            }
            Err(error) => {
                tracing::error!(%error, "the sink's files cannot be opened");
                self.reporter.tell(Input::ProducerFailed);
            }
        }
    }

    fn write(&mut self, batch: &[Produce]) {
        // After a failure nothing is reported until it is built again: the flow was told that it is broken.
        let Some(store) = &mut self.store else { return };
        let mut results = Vec::with_capacity(batch.len());
        let written = batch.iter().try_for_each(|record| {
            results.push(store.append(record)?);
            Ok(())
        });
        if let Err(error) = written.and_then(|()| store.sync()) {
            tracing::error!(%error, "the sink's files failed");
            self.store = None;
            self.reporter.tell(Input::Fatal);
            return;
        }
        for (record, result) in batch.iter().zip(results) {
            let result = result.map_err(Failure::Refused);
            self.reporter.tell(Input::Produced { attempt: record.attempt, result });
        }
    }
}
