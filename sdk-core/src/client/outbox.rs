//! Effects on their way to the shell.

use alloc::vec::Vec;

use super::Effect;

#[derive(Clone, Debug, Default)]
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
    #[inline(never)] // called from everywhere; in the browser bytes count
    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn pop(&mut self) -> Option<Effect> {
        let effect = self.effects.get(self.taken).copied();
        if effect.is_some() {
            self.taken += 1;
        } else {
            self.effects.clear();
            self.taken = 0;
        }
        effect
    }

    /// A number no other record of this client has.
    pub(super) fn next_record(&mut self) -> u32 {
        self.records = self.records.wrapping_add(1);
        self.records
    }
}
