//! Bounds the bytes that all requests hold together.

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts in KiB, because a semaphore takes at most `u32::MAX` at once.
const UNIT: usize = 1 << 10;

/// The bytes that are free.
pub struct Budget(Arc<Semaphore>);

/// Other requests hold what is asked for; later there is room again.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("body: too many bytes in flight")]
pub struct Busy;

impl Budget {
    /// So many bytes for all requests together.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    /// A share of nothing, to [`grow`](Lease::grow).
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease { semaphore: Arc::clone(&self.0), permit: None, bytes: 0 }
    }
}

/// The bytes of one request, given back when it is dropped.
pub struct Lease {
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Lease {
    /// Takes more bytes, or refuses at once: waiting would hold what is taken already.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Busy> {
        self.bytes += bytes;
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = self.bytes.div_ceil(UNIT).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| Busy)?;
        let permit = Arc::clone(&self.semaphore).try_acquire_many_owned(more).map_err(|_| Busy)?;
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
            lease.grow(1).expect("room");
        }
        assert_eq!(lease.grow(1), Err(Busy));
        assert_eq!(budget.lease().grow(1), Err(Busy));
        drop(lease);
        assert_eq!(budget.lease().grow(4 * UNIT), Ok(()));
    }
}
