//! What was fetched and not yet read, by partition. Records become readable only when it is sure which topic they are
//! of.

use std::collections::{BTreeMap, VecDeque};

/// Fetched records of every partition that is read.
#[derive(Debug, Default)]
pub(super) struct Parts {
    by_number: BTreeMap<i32, Part>,
    records: usize,
    bytes: usize,
    /// How many of them are not sure.
    fresh: usize,
}

#[derive(Debug, Default)]
struct Part {
    /// Where the next read goes on.
    next: u64,
    /// Sure to be the topic's.
    ready: VecDeque<(u64, Vec<u8>)>,
    /// Not yet.
    fresh: VecDeque<(u64, Vec<u8>)>,
}

impl Parts {
    /// Whether a read from `from` continues what is fetched.
    pub(super) fn goes_on(&self, part: i32, from: u64) -> bool {
        self.by_number.get(&part).is_some_and(|part| part.next == from)
    }

    /// Whether it was begun with.
    pub(super) fn knows(&self, part: i32) -> bool {
        self.by_number.contains_key(&part)
    }

    /// The partition is fetched anew from `next`.
    pub(super) fn begin(&mut self, part: i32, next: u64) {
        let old = self.by_number.insert(part, Part { next, ..Part::default() }).unwrap_or_default();
        self.fresh -= old.fresh.len();
        self.forget(old.ready.iter().chain(&old.fresh).map(|(_, record)| record.len()));
    }

    /// Takes a fetched record. False for one that belongs to an earlier beginning.
    pub(super) fn push(&mut self, part: i32, offset: u64, record: Vec<u8>) -> bool {
        let Some(part) = self.by_number.get_mut(&part) else { return false };
        let end = part.fresh.back().or(part.ready.back()).map_or(part.next, |(last, _)| last + 1);
        if offset < end {
            return false;
        }
        self.records += 1;
        self.bytes += record.len();
        self.fresh += 1;
        part.fresh.push_back((offset, record));
        true
    }

    /// All that was fetched is of the topic that is read.
    pub(super) fn make_ready(&mut self) {
        if self.fresh > 0 {
            self.fresh = 0;
            for part in self.by_number.values_mut() {
                part.ready.append(&mut part.fresh);
            }
        }
    }

    /// Whether something waits for [`make_ready`](Self::make_ready).
    pub(super) fn has_fresh(&self) -> bool {
        self.fresh > 0
    }

    /// Whether some partition can be read.
    pub(super) fn has_ready(&self) -> bool {
        self.records > self.fresh
    }

    /// Whether this partition can be read.
    pub(super) fn is_ready(&self, part: i32) -> bool {
        self.by_number.get(&part).is_some_and(|part| !part.ready.is_empty())
    }

    /// How much is held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next readable record of a partition.
    pub(super) fn pop(&mut self, part: i32) -> Option<(u64, Vec<u8>)> {
        let part = self.by_number.get_mut(&part)?;
        let (offset, record) = part.ready.pop_front()?;
        part.next = offset + 1;
        self.forget([record.len()]);
        Some((offset, record))
    }

    fn forget(&mut self, lengths: impl IntoIterator<Item = usize>) {
        for length in lengths {
            self.records -= 1;
            self.bytes -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_only_when_it_is_sure_which_topic_it_is_of() {
        let mut parts = Parts::default();
        parts.begin(1, 5);
        assert!(parts.push(1, 5, vec![1]) && parts.has_fresh() && !parts.has_ready());
        assert_eq!(parts.pop(1), None);
        parts.make_ready();
        assert!(parts.has_ready() && parts.is_ready(1) && !parts.is_ready(0));
        assert_eq!(parts.pop(1), Some((5, vec![1])));
        assert_eq!(parts.bytes(), 0);
    }

    #[test]
    fn reading_goes_on_behind_what_was_read_and_passes_over_gaps() {
        let mut parts = Parts::default();
        parts.begin(0, 5);
        assert!(parts.goes_on(0, 5) && !parts.goes_on(0, 6) && !parts.goes_on(1, 5));
        assert!(parts.push(0, 8, vec![1]));
        assert!(!parts.push(0, 8, vec![1]), "fetched before the partition was begun with anew");
        parts.make_ready();
        parts.pop(0);
        assert!(parts.goes_on(0, 9));
        assert!(!parts.push(0, 3, vec![1]) && !parts.push(7, 0, vec![1]));
    }

    #[test]
    fn what_is_fetched_anew_is_forgotten_first() {
        let mut parts = Parts::default();
        for part in 0..2 {
            parts.begin(part, 0);
            parts.push(part, 0, vec![0; 10]);
        }
        parts.make_ready();
        parts.push(0, 1, vec![0; 5]);
        parts.begin(0, 0);
        assert_eq!((parts.bytes(), parts.has_fresh(), parts.is_ready(0)), (10, false, false));
        assert!(parts.has_ready() && parts.is_ready(1));
    }
}
