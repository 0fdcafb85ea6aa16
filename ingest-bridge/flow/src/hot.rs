//! Which clients send so much that one partition should not carry them alone.

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};

/// Counters of a window's sketch, a power of two: at 100,000 records a second and windows of 10 s its bounds are
/// 3.5 / 1024 of a million apart, a third of what the default of [`Limits::hot_per_s`](crate::Limits) asks for.
const COUNTERS: usize = 1024;

/// Clients, by the hash of their key, that were hot in the last full window. Two clients with one hash share the
/// verdict, which costs the quieter one the order between its chunks and nothing else.
#[derive(Debug)]
pub(crate) struct Hot {
    above: u64,
    window_ms: u64,
    ends: u64,
    sketch: FrequentItemsSketch<u32>,
    /// Ascending.
    found: Vec<u32>,
}

impl Hot {
    pub(crate) fn new(per_s: u32, window_ms: u32) -> Self {
        Self {
            above: u64::from(per_s) * u64::from(window_ms) / 1000,
            window_ms: u64::from(window_ms),
            ends: 0,
            sketch: FrequentItemsSketch::new(COUNTERS).expect("a power of two within bounds"),
            found: Vec::new(),
        }
    }

    /// Counts one record of a client at `now`; whether the client is hot.
    pub(crate) fn note(&mut self, now: u64, client: u32) -> bool {
        if now >= self.ends {
            self.turn(now);
        }
        self.sketch.update(client);
        self.is_hot(client)
    }

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    fn is_hot(&self, client: u32) -> bool {
        self.found.binary_search(&client).is_ok()
    }

    /// A client becomes hot when it surely sent more than the limit, and cools down below half of it: one that is
    /// about as fast as the limit shall not change its partitions with every window.
    fn turn(&mut self, now: u64) {
        let rows = self.sketch.frequent_items_with_threshold(ErrorType::NoFalsePositives, self.above / 2);
        let mut found: Vec<u32> = rows
            .iter()
            .filter(|row| row.lower_bound() > self.above || self.is_hot(*row.item()))
            .map(|row| *row.item())
            .collect();
        found.sort_unstable();
        self.found = found;
        self.sketch.reset();
        self.ends = now + self.window_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten records a second are hot; windows of a second.
    fn window(hot: &mut Hot, at: u64, records: u32) -> bool {
        (0..records).for_each(|_| {
            hot.note(at, 1);
        });
        hot.note(at + 1000, 2);
        hot.is_hot(1)
    }

    #[test]
    fn a_client_is_hot_above_the_limit_and_until_it_falls_below_half() {
        let mut hot = Hot::new(10, 1000);
        assert!(!window(&mut hot, 0, 10));
        assert!(window(&mut hot, 1500, 11));
        assert!(window(&mut hot, 3000, 6), "more than half");
        assert!(!window(&mut hot, 4500, 5));
        assert!(!window(&mut hot, 6000, 6), "half does not make it hot again");
    }

    #[test]
    fn among_many_clients_only_the_hot_one_is_found_in_bounded_memory() {
        let mut hot = Hot::new(1000, 1000);
        for n in 0..100_000 {
            hot.note(0, n);
            if n % 10 == 0 {
                hot.note(0, 7);
            }
        }
        hot.note(1000, 0);
        assert_eq!(hot.found, [7]);
        assert!(hot.sketch.maximum_map_capacity() <= COUNTERS);
    }
}
