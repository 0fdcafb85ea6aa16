//! Bounds the bytes that all requests hold together while they are read and unpacked.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;

/// A semaphore counts at most `u32::MAX` at once.
const UNIT: usize = 1 << 10;

pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn lease(&self) -> Lease {
        Lease { semaphore: Arc::clone(&self.0), permit: None, bytes: 0 }
    }
}

/// The bytes of one request, given back when it is dropped.
pub(super) struct Lease {
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Lease {
    /// Takes more, or refuses at once: waiting would hold what is taken already.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = self.bytes.div_ceil(UNIT).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let permit = u32::try_from(more)
            .ok()
            .and_then(|more| Arc::clone(&self.semaphore).try_acquire_many_owned(more).ok())
            .ok_or_else(|| Refusal::unavailable("body: too many bytes in flight", 1))?;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}
