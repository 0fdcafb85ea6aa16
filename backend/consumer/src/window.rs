//! Names of what has no stream.

use std::collections::HashMap;

use headwater_numbers::{
    days::DAY_MS,
    delivery::{SILENT_MS, SPOOL_MS},
};

/// How long a name is kept after it was received, milliseconds: as long as a client tries, and as long as
/// the log and every spool keep what they hold.
pub const WINDOW_MS: i64 = SILENT_MS + SPOOL_MS;

/// A set of (site, id), each with the day it was received, 32 bytes apiece.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Window {
    days: HashMap<Key, u16>,
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct Key {
    // Two halves, because a u128 would align the entry to 48 bytes.
    high: u64,
    low: u64,
    site: u64,
}

impl Window {
    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, site: u64, id: u128) -> bool {
        self.days.contains_key(&key(site, id))
    }

    /// Adds a name.
    pub fn add(&mut self, site: u64, id: u128, received_at: i64) {
        self.days.insert(key(site, id), day(received_at));
    }

    /// Forgets what was received more than [`WINDOW_MS`] before `now`, by whole days.
    pub fn expire(&mut self, now: i64) {
        let oldest = day(now - WINDOW_MS);
        self.days.retain(|_, day| *day >= oldest);
    }

    /// How many names it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

fn key(site: u64, id: u128) -> Key {
    let [high, low] = [id >> 64, id & u128::from(u64::MAX)];
    let half = |half| u64::try_from(half).expect("64 bits");
    Key { high: half(high), low: half(low), site }
}

/// Days since 1970; `received_at` is the server's clock.
fn day(unix_ms: i64) -> u16 {
    u16::try_from(unix_ms.div_euclid(DAY_MS).max(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_sites_own_and_is_kept_for_thirty_days_and_the_spools() {
        let mut window = Window::default();
        let now = 1_000 * DAY_MS;
        window.add(1, 7, now);
        window.add(1, 8, now - WINDOW_MS);
        window.add(1, 9, now - WINDOW_MS - DAY_MS);
        assert!(window.contains(1, 7) && !window.contains(2, 7));
        window.expire(now);
        assert_eq!((window.contains(1, 8), window.contains(1, 9), window.len()), (true, false, 2));
    }
}
