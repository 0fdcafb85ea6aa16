//! What a collector asks of the stage behind, and whether it is there.

use headwater_collector::{Forwarding, Unavailable};
use headwater_schema::Trace;
use headwater_service::{budget::Lease, operations::Operated};
use tokio::time::timeout;

use super::{Collector, unavailable};
use crate::{Forward, Forwarded, Outbox, limits, outbox::Full};

impl<F: Forward> Collector<F> {
    /// The stage behind will never take some records: that is durable in the ledger before their sender hears of it.
    pub(super) async fn name(
        &self,
        forwarding: &mut Forwarding,
        answer: &Forwarded,
        trace: Option<Trace>,
        lease: &mut Lease,
    ) -> Result<Forwarded, Unavailable> {
        let (rejected, why) = (answer.rejected.len(), &answer.rejected[0].1);
        tracing::warn!(rejected, why, "records that the stage behind will never take");
        answer.named(&self.forward(forwarding.rejected(&answer.rejected)?, trace, lease).await?)
    }

    pub(super) async fn forward(
        &self,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
        lease: &mut Lease,
    ) -> Result<Forwarded, Unavailable> {
        if records.is_empty() {
            return Ok(Forwarded::default());
        }
        lease.grow(records.iter().map(Vec::len).sum()).map_err(|busy| unavailable(busy.to_string()))?;
        let answer = timeout(limits::FORWARD, self.0.forward.forward(records, trace)).await;
        answer.unwrap_or_else(|_| Err(unavailable("the stage behind does not answer".to_owned())))
    }

    /// The stage behind has them, or the outbox. While something waits there, what comes queues behind it.
    pub(super) async fn forward_or_keep(
        &self,
        outbox: &Outbox,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
        lease: &mut Lease,
    ) -> Result<Forwarded, Unavailable> {
        if records.is_empty() {
            return Ok(Forwarded::default());
        }
        if outbox.is_empty() {
            let copy = records.iter().map(Vec::len).sum();
            lease.grow(copy).map_err(|busy| unavailable(busy.to_string()))?;
            if let Ok(forwarded) = self.forward(records.clone(), trace, lease).await {
                return Ok(forwarded);
            }
        }
        let count = records.len() as u64;
        match outbox.keep(records).await {
            Ok(()) => {
                self.0.metrics.shown.outbox_kept.inc_by(count);
                Ok(Forwarded::default())
            }
            Err(Full) => {
                Err(unavailable("the stage behind is away, and the outbox takes no more".to_owned()))
            }
        }
    }

    /// Sends what waits in the outbox, for as long as it is polled; it never ends.
    pub async fn drain_outbox(&self) {
        let Some(outbox) = &self.0.outbox else { return std::future::pending().await };
        let drained = &self.0.metrics.shown.outbox_drained;
        outbox.drain(&self.0.forward, |records| _ = drained.inc_by(records as u64)).await;
    }
}

impl<F: Forward> Operated for Collector<F> {
    fn metrics(&self) -> String {
        let shown = &self.0.metrics.shown;
        let ranges = self.seen().map_or(0, |seen| seen.ranges());
        shown.seen_ranges.set(i64::try_from(ranges).unwrap_or(i64::MAX));
        if let Some(outbox) = &self.0.outbox {
            shown.outbox_bytes.set(i64::try_from(outbox.waiting_bytes()).unwrap_or(i64::MAX));
            shown.outbox_records.set(i64::try_from(outbox.waiting_records()).unwrap_or(i64::MAX));
        }
        self.0.metrics.text()
    }

    async fn unready(&self) -> Option<String> {
        let why = self.0.forward.ready().await.err()?.message;
        // What may not come again is kept; the rest is told to.
        let keeps = self.0.outbox.as_ref().is_some_and(Outbox::has_room);
        (!keeps).then_some(why)
    }
}
