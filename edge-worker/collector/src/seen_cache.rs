//! A cache of what the stage behind has, to save traffic. Nothing rests on it: what it forgets passes as a
//! copy, which the last stage finds. So it bounds its memory by forgetting whole streams, never by closing
//! gaps.

use std::sync::Arc;

use headwater_core::{ranges::RangeSet, seen};
use lru::LruCache;

use crate::{Mark, limits};

/// A stream of a site. The site is part of the name: a stream is believed only within it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StreamKey {
    /// The site's public key.
    pub site: Arc<str>,
    /// The stream's UUID.
    pub stream: [u8; 16],
}

/// The seen ranges of the streams that spoke last. A host with several threads keeps it in a lock, which it
/// holds for a look-up or a mark, never while it waits for the stage behind.
pub struct SeenCache {
    streams: LruCache<StreamKey, RangeSet>,
    /// Ranges held, each stream counting at least one.
    ranges: usize,
    max_ranges: usize,
    incarnation: Option<u128>,
}

impl Default for SeenCache {
    /// Bounded by [`limits::SEEN_RANGES`].
    fn default() -> Self {
        Self::new(limits::SEEN_RANGES)
    }
}

impl SeenCache {
    /// A cache of at most so many ranges, about 100 bytes each.
    #[must_use]
    pub fn new(max_ranges: usize) -> Self {
        Self { streams: LruCache::unbounded(), ranges: 0, max_ranges, incarnation: None }
    }

    /// Whether the stage behind is known to have this event. Keeps the stream from being forgotten soon.
    pub fn contains(&mut self, stream: &StreamKey, seq: u32) -> bool {
        self.streams.get(stream).is_some_and(|seen| seen.contains(seq))
    }

    /// Remembers what is durable behind us.
    pub fn mark(&mut self, marks: &[Mark]) {
        for mark in marks.iter().filter(|mark| !mark.seqs.is_empty()) {
            let seen = self.streams.get_or_insert_mut(mark.stream.clone(), RangeSet::new);
            let before = seen.len();
            seen.union(&mark.seqs);
            let after = seen.len();
            self.ranges = self.ranges - before + after;
            if after > seen::MAX_RANGES {
                self.streams.pop(&mark.stream);
                self.ranges -= after;
            }
        }
        while self.ranges > self.max_ranges {
            let Some((_, forgotten)) = self.streams.pop_lru() else { break };
            self.ranges -= forgotten.len();
        }
    }

    /// Tells which incarnation of its storage the stage behind answers with. Another one than before may lack
    /// what is remembered here, so everything is forgotten.
    pub fn behind(&mut self, incarnation: u128) {
        if self.incarnation.replace(incarnation).is_some_and(|known| known != incarnation) {
            self.clear();
        }
    }

    /// Forgets everything: always right, costs traffic.
    pub fn clear(&mut self) {
        self.streams.clear();
        self.ranges = 0;
    }

    /// How many ranges are held.
    #[must_use]
    pub const fn ranges(&self) -> usize {
        self.ranges
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(stream: u8) -> StreamKey {
        StreamKey { site: "s".into(), stream: [stream; 16] }
    }

    fn mark(stream: u8, ranges: &[(u32, u32)]) -> Mark {
        Mark { stream: key(stream), seqs: ranges.iter().copied().collect() }
    }

    #[test]
    fn a_stream_is_known_within_its_site_only() {
        let mut cache = SeenCache::default();
        cache.mark(&[mark(1, &[(0, 3)])]);
        assert!(cache.contains(&key(1), 2) && !cache.contains(&key(1), 3));
        assert!(!cache.contains(&StreamKey { site: "other".into(), stream: [1; 16] }, 2));
    }

    #[test]
    fn the_stream_that_was_silent_longest_is_forgotten_first() {
        let mut cache = SeenCache::new(2);
        cache.mark(&[mark(1, &[(0, 1)]), mark(2, &[(0, 1)])]);
        assert!(cache.contains(&key(1), 0));
        cache.mark(&[mark(3, &[(0, 1)])]);
        assert!(cache.contains(&key(1), 0) && !cache.contains(&key(2), 0) && cache.contains(&key(3), 0));
    }

    #[test]
    fn a_stream_of_too_many_gaps_is_forgotten_and_no_gap_is_closed() {
        let mut cache = SeenCache::default();
        let gaps: Vec<_> = (0..=1_024).map(|n| (2 * n, 2 * n + 1)).collect();
        cache.mark(&[mark(1, &gaps[..1_024])]);
        assert!(cache.contains(&key(1), 0) && !cache.contains(&key(1), 1));
        cache.mark(&[mark(1, &gaps)]);
        assert!(!cache.contains(&key(1), 0));
        assert_eq!(cache.ranges(), 0);
    }

    #[test]
    fn another_incarnation_behind_us_forgets_everything() {
        let mut cache = SeenCache::default();
        cache.behind(7);
        cache.mark(&[mark(1, &[(0, 1)])]);
        cache.behind(7);
        assert!(cache.contains(&key(1), 0));
        cache.behind(8);
        assert!(!cache.contains(&key(1), 0));
    }

    proptest! {
        #[test]
        fn it_never_claims_what_was_not_marked_and_stays_within_its_bound(
            marks in proptest::collection::vec((0_u8..6, 0_u32..40, 1_u32..5), 1..80),
            max in 1_usize..12,
        ) {
            let mut cache = SeenCache::new(max);
            let mut told = std::collections::HashSet::new();
            for (stream, from, len) in marks {
                cache.mark(&[mark(stream, &[(from, from + len)])]);
                told.extend((from..from + len).map(|seq| (stream, seq)));
                prop_assert!(cache.ranges() <= max);
                for (stream, seq) in (0..6).flat_map(|s| (0..45).map(move |seq| (s, seq))) {
                    prop_assert!(!cache.contains(&key(stream), seq) || told.contains(&(stream, seq)));
                }
            }
        }
    }
}
