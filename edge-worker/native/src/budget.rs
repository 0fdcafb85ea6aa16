//! Bounds the bytes that all requests hold together.

use std::sync::Arc;

use headwater_collector::Refusal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// Counts in KiB, because a semaphore takes at most `u32::MAX` at once.
const UNIT: usize = 1 << 10;

/// The bytes that are free.
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// A share of nothing, to [`grow`](Lease::grow).
    pub(crate) fn lease(&self) -> Lease {
        Lease { semaphore: Arc::clone(&self.0), permit: None, bytes: 0 }
    }
}

/// The bytes of one request, given back when it is dropped.
pub(crate) struct Lease {
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Lease {
    /// Takes more bytes, or refuses with 503 at once: waiting would hold what is taken already.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = self.bytes.div_ceil(UNIT).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let permit = u32::try_from(more)
            .ok()
            .and_then(|more| Arc::clone(&self.semaphore).try_acquire_many_owned(more).ok())
            .ok_or_else(|| Refusal::unavailable("body: too many bytes in flight", limits::RETRY_AFTER_S))?;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_cost_what_they_hold_and_all_is_given_back() {
        let budget = Budget::new(4 * UNIT);
        let mut lease = budget.lease();
        for _ in 0..4 * UNIT {
            lease.grow(1).unwrap();
        }
        assert!(lease.grow(1).is_err());
        assert!(budget.lease().grow(1).is_err());
        drop(lease);
        assert!(budget.lease().grow(4 * UNIT).is_ok());
    }
}
