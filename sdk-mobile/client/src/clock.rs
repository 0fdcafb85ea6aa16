//! The time of an event.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use headwater_core::time::UnixMs;

/// The latest time that was given out in this process.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The wall clock, but later than every time given out before: strictly increasing over all clients and streams of
/// this process, whatever the clock does. So the events of a program have one order.
pub(crate) fn next_ts() -> UnixMs {
    next_after(&LAST, unix_now())
}

pub(crate) fn unix_now() -> UnixMs {
    UnixMs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds))
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn next_after(last: &AtomicU64, now: UnixMs) -> UnixMs {
    let after = |last: u64| now.0.max(last + 1);
    // The order of other memory does not depend on it: each journal has its lock.
    let before = last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
    UnixMs(before.map_or(now.0, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_increase_even_when_the_clock_stands_or_goes_back() {
        let last = AtomicU64::new(0);
        let times = [5, 5, 3, 9].map(|now| next_after(&last, UnixMs(now)).0);
        assert_eq!(times, [5, 6, 7, 9]);
    }

    #[test]
    fn threads_share_no_time() {
        let last = AtomicU64::new(0);
        let mut times: Vec<u64> = std::thread::scope(|scope| {
            let drawers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| (0..1_000).map(|_| next_after(&last, UnixMs(7)).0).collect::<Vec<_>>())
                })
                .collect();
            drawers.into_iter().flat_map(|drawer| drawer.join().unwrap()).collect()
        });
        times.sort_unstable();
        assert_eq!(times, (7..4_007).collect::<Vec<_>>());
    }
}
