//! What goes to the spool, and what comes out of it.

use bytes::Bytes;
use headwater_core::planted;

use super::Flow;
use crate::{
    effect::{Cause, Effect, Outcome},
    flights::{Held, Origin, Spooled, Waiter},
    record::{Record, Unreadable},
};

impl Flow {
    /// Queues a record in its lane, or sends it back.
    pub(super) fn append(&mut self, held: Held, waiter: Waiter) {
        match self.spool.append(self.now, held.lane, waiter) {
            Ok(offset) => {
                self.out.push_back(Effect::Append { partition: held.lane, offset, body: held.record.body });
                if planted!(SpoolAckBeforeSync) {
                    self.tell(waiter, Outcome::Accepted);
                }
            }
            Err(cause) => self.settle(waiter, Outcome::Retry(cause)),
        }
    }

    /// Moves what is under way in a lane into the spool. What arrives nevertheless is a copy.
    pub(super) fn divert(&mut self, lane: u32) {
        for held in self.flights.take_spoolable(Some(lane)) {
            self.give_up(held);
        }
    }

    pub(super) fn synced(&mut self, sync: u64) {
        for waiter in self.spool.synced(sync) {
            self.settle(waiter, Outcome::Accepted);
        }
    }

    pub(super) fn spool_failed(&mut self) {
        let (waiters, opens) = self.spool.failed(self.now);
        for waiter in waiters {
            self.settle(waiter, Outcome::Retry(Cause::Spool));
        }
        if opens {
            self.out.push_back(Effect::OpenSpool);
        }
    }

    pub(super) fn spool_read(&mut self, lane: u32, from: u64, records: Vec<Result<Record, Unreadable>>) {
        // Without a producer it is read again when there is one: memory is for what senders wait for.
        let records = if self.drains() { records } else { Vec::new() };
        let len = |record: &Result<Record, Unreadable>| match record {
            Ok(record) => record.len() as u64,
            Err(unreadable) => unreadable.bytes.len() as u64,
        };
        let (batch, trim) = self.spool.begin(self.now, lane, from, records.iter().map(len).collect());
        self.out.extend(trim);
        let Some(batch) = batch else { return };
        for (index, record) in records.into_iter().enumerate() {
            let origin = Origin::Spool(Spooled { lane, batch, index });
            match record {
                Ok(record) => self.produce(Held { record, trace: None, origin, lane, refusals: 0 }),
                Err(Unreadable { bytes, message }) => {
                    let record = Record { body: bytes, key: Bytes::new(), seq: None };
                    self.bury(Held { record, trace: None, origin, lane, refusals: 0 }, &message);
                }
            }
        }
    }
}
