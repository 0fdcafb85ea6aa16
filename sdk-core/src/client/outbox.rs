//! Effects on their way to the shell.

use alloc::vec::Vec;

use super::Effect;

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    effects: Vec<Effect>,
    /// How many of `effects` the shell has taken. They are dropped together, because the shell always takes
    /// all of them; a queue that can turn round would be code for nothing.
    taken: usize,
    records: u32,
    #[cfg(feature = "trace")]
    pub(super) trace: super::trace::Trace,
}

impl Outbox {
    pub(super) const NEW: Self = Self {
        effects: Vec::new(),
        taken: 0,
        records: 0,
        #[cfg(feature = "trace")]
        trace: super::trace::Trace::NEW,
    };

    #[inline(never)] // called from everywhere; in the browser bytes count
    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn pop(&mut self) -> Option<&Effect> {
        if self.taken == self.effects.len() {
            self.effects.clear();
            self.taken = 0;
        }
        let effect = self.effects.get(self.taken)?;
        self.taken += 1;
        Some(effect)
    }

    /// A number no other record of this client has.
    pub(super) fn next_record(&mut self) -> u32 {
        self.records = self.records.wrapping_add(1);
        self.records
    }
}
