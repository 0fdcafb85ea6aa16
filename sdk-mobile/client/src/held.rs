//! Calls that wait until consent is known.

use std::{collections::VecDeque, sync::Arc};

use headwater_core::time::UnixMs;

use crate::identity::Identity;

/// Bytes of calls that wait: a visitor who never decides must not fill the memory. 256 KiB are some 1,000 calls.
const MOST_BYTES: usize = 256 << 10;

/// What a program wants of calls that are made while consent is unknown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhileUnknown {
    /// They wait in memory (256 KiB at most; beyond, they are refused) and are accepted, with their own time, when
    /// consent is granted. Until then they die with the process.
    #[default]
    Hold,
    /// They are refused.
    Refuse,
}

/// A call as it will be appended.
pub(crate) struct HeldCall {
    pub(crate) identity: Arc<Identity>,
    pub(crate) body: String,
    pub(crate) ts: UnixMs,
    pub(crate) precious: bool,
}

#[derive(Default)]
pub(crate) struct Held {
    calls: VecDeque<HeldCall>,
    bytes: usize,
}

impl Held {
    /// `false` if there is no room.
    pub(crate) fn push(&mut self, call: HeldCall) -> bool {
        let bytes = self.bytes + call.body.len();
        let fits = bytes <= MOST_BYTES;
        if fits {
            self.bytes = bytes;
            self.calls.push_back(call);
        }
        fits
    }

    pub(crate) fn first(&self) -> Option<&HeldCall> {
        self.calls.front()
    }

    pub(crate) fn pop(&mut self) {
        self.bytes -= self.calls.pop_front().map_or(0, |call| call.body.len());
    }

    /// Whoever called was another.
    pub(crate) fn rename(&mut self, from: &Arc<Identity>, to: &Arc<Identity>) {
        for call in self.calls.iter_mut().filter(|call| Arc::ptr_eq(&call.identity, from)) {
            call.identity = Arc::clone(to);
        }
    }

    /// Drops all, and says how many.
    pub(crate) fn clear(&mut self) -> u32 {
        let count = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        *self = Self::default();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_in_bytes_and_room_comes_back() {
        let identity = Arc::new(Identity::draw());
        let call = |bytes: usize| HeldCall {
            identity: Arc::clone(&identity),
            body: "x".repeat(bytes),
            ts: UnixMs(1),
            precious: false,
        };
        let mut held = Held::default();
        assert!(held.push(call(MOST_BYTES - 1)));
        assert!(!held.push(call(2)));
        assert!(held.push(call(1)));
        held.pop();
        assert_eq!(held.first().map(|call| call.body.len()), Some(1));
        assert!(held.push(call(MOST_BYTES - 1)));
        assert_eq!(held.clear(), 2);
        assert!(held.push(call(MOST_BYTES)));
    }
}
