//! Conservation, between two steps: what only a journal can have, a journal has.

use std::collections::BTreeSet;

use super::World;
use crate::breach::Kind;

impl World<'_> {
    pub(super) fn judge_conservation(&mut self) {
        // Journals are read only if somebody owes something: that takes a fifth of a run.
        if self.oracle.owed().next().is_none() {
            return;
        }
        let kept = self.kept();
        let missing = self.oracle.owed().find(|name| !kept.contains(name));
        if let Some((stream, seq)) = missing {
            let label = self.oracle.label(stream);
            self.oracle.breach(Kind::Conservation, || {
                format!("{label}/{seq} is in no journal, not behind the edges, not named, and nobody took it")
            });
        }
    }

    /// What is in any journal: on a disk, or of a stream that a page has in memory alone.
    fn kept(&self) -> BTreeSet<(u128, u32)> {
        let mut kept = BTreeSet::new();
        for device in &self.devices {
            for (stream, found) in device.disk.contents() {
                kept.extend(found.events.iter().map(|(seq, _)| (stream.as_u128(), *seq)));
            }
            for live in device.pages().chain(device.asleep.iter().map(|(_, live)| live)) {
                let in_memory = live.held.iter().filter(|(stream, ..)| live.in_memory.contains(stream));
                kept.extend(in_memory.map(|(stream, seq, _)| (*stream, *seq)));
            }
        }
        kept
    }
}
