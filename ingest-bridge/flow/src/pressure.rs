//! How much is in memory, and who may add to it.

use std::collections::BTreeMap;

/// Nothing new is admitted from this fill on (thousandths). The rest is for what is under way to grow into: requests
/// that were admitted just below, dead letters, records read from the spool.
const REFUSE: u64 = 700;
/// Below this fill nobody's share matters.
const ROOMY: u64 = REFUSE / 2;

#[derive(Debug)]
pub(crate) struct Pressure {
    max: Load,
    all: Load,
    /// Only who holds something.
    senders: BTreeMap<u64, Load>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Load {
    pub(crate) bytes: usize,
    pub(crate) messages: usize,
}

impl Pressure {
    pub(crate) fn new(max_bytes: usize, max_messages: usize) -> Self {
        let max = Load { bytes: max_bytes.max(1), messages: max_messages.max(1) };
        Self { max, all: Load::default(), senders: BTreeMap::new() }
    }

    /// Whether this sender may add a request. A share is the room below the mark, divided by those who hold something
    /// and one more: so whoever holds nothing yet finds room, however greedy the others are. A lone sender has half.
    /// (An empty bridge takes any request, so none is refused for ever.)
    pub(crate) fn admits(&self, sender: u64, request: Load) -> bool {
        let fill = self.fill(self.all);
        if self.all == Load::default() || fill < ROOMY && self.fill(self.all.plus(request)) < REFUSE {
            return true;
        }
        if fill >= REFUSE || self.fill(self.all.plus(request)) > 1000 {
            return false;
        }
        let (holds, newcomer) = self.senders.get(&sender).map_or((Load::default(), 1), |load| (*load, 0));
        self.fill(holds) * (self.senders.len() as u64 + newcomer + 1) < REFUSE
    }

    pub(crate) fn take(&mut self, sender: u64, load: Load) {
        self.all = self.all.plus(load);
        let holds = self.senders.entry(sender).or_default();
        *holds = holds.plus(load);
    }

    pub(crate) fn release(&mut self, sender: u64, bytes: usize) {
        let load = Load { bytes, messages: 1 };
        self.all = self.all.minus(load);
        if let Some(holds) = self.senders.get_mut(&sender) {
            *holds = holds.minus(load);
            if holds.messages == 0 {
                self.senders.remove(&sender);
            }
        }
    }

    pub(crate) fn all(&self) -> Load {
        self.all
    }

    /// Thousandths of the bound that is nearer.
    fn fill(&self, load: Load) -> u64 {
        let of = |part: usize, whole: usize| part as u64 * 1000 / whole as u64;
        of(load.bytes, self.max.bytes).max(of(load.messages, self.max.messages))
    }
}

impl Load {
    fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, messages: self.messages + other.messages }
    }

    fn minus(self, other: Self) -> Self {
        debug_assert!(self.bytes >= other.bytes && self.messages >= other.messages, "released twice");
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            messages: self.messages.saturating_sub(other.messages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(pressure: &mut Pressure, sender: u64, bytes: usize) -> bool {
        let load = Load { bytes, messages: 1 };
        let admitted = pressure.admits(sender, load);
        if admitted {
            pressure.take(sender, load);
        }
        admitted
    }

    fn fill_up(pressure: &mut Pressure, sender: u64) -> usize {
        std::iter::repeat_with(|| admit(pressure, sender, 10)).take_while(|admitted| *admitted).count()
    }

    #[test]
    fn a_greedy_sender_leaves_room_for_each_newcomer() {
        let mut pressure = Pressure::new(1000, 1000);
        assert_eq!(fill_up(&mut pressure, 1), 35);
        assert_eq!(fill_up(&mut pressure, 2), 24);
        assert_eq!(fill_up(&mut pressure, 3), 11, "the first two are above what are now their shares");
        assert_eq!(fill_up(&mut pressure, 1), 0);
        assert_eq!(pressure.all().bytes, 700);
    }

    #[test]
    fn messages_count_as_bytes_do() {
        let mut pressure = Pressure::new(1_000_000, 10);
        assert_eq!(fill_up(&mut pressure, 1), 4);
    }

    #[test]
    fn an_empty_bridge_takes_a_request_of_any_size_and_a_busy_one_does_not() {
        let mut pressure = Pressure::new(1000, 1000);
        assert!(admit(&mut pressure, 1, 5000));
        assert!(!admit(&mut pressure, 2, 1));
        pressure.release(1, 5000);
        assert!(admit(&mut pressure, 2, 1));
        assert!(!admit(&mut pressure, 3, 1000));
    }
}
