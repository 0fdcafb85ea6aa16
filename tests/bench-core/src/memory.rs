//! What `Seen` weighs: encoded, and in memory (the value itself and what it allocated).

use allocation_counter::measure;
use fastrand::Rng;
use headwater_core::seen::{Admission, Seen};

use crate::seen::{LATEST, is_late, reordered};
use headwater_bench_core::row;

const EVENTS: u32 = 1_000_000;
/// Events of one opening of a page.
const PER_OPENING: u32 = 20;
/// Openings at the same time, whose events arrive by turns: late by [`LATEST`] places is late by ten turns.
const TOGETHER: u32 = 100;
/// How often the largest is looked for.
const SAMPLES: usize = 200;

/// Bytes of many values.
#[derive(Clone, Copy, Default)]
struct Bytes {
    encoded: usize,
    heap: usize,
}

pub(crate) fn print() {
    let mut seen = vec![Seen::new()];
    let arrivals: Vec<_> = (0..PER_OPENING).map(|seq| (0, seq)).collect();
    let (_, opening) = arrive(&mut seen, &arrivals);
    row("Seen of one opening (20 events), encoded", opening.encoded, "B");
    row("Seen of one opening (20 events), in memory", size_of::<Seen>() + opening.heap, "B");

    let openings = EVENTS / PER_OPENING;
    let by_turns: Vec<_> = (0..openings / TOGETHER)
        .flat_map(|group| {
            (0..PER_OPENING).flat_map(move |seq| (0..TOGETHER).map(move |at| (group * TOGETHER + at, seq)))
        })
        .collect();
    million(&format!("{openings} openings"), openings, &by_turns);
    million("1 stream", 1, &(0..EVENTS).map(|seq| (0, seq)).collect::<Vec<_>>());
}

/// A million events, of which one in a hundred comes late, or never.
fn million(what: &str, streams: u32, in_order: &[(u32, u32)]) {
    let name = format!("Seen of 1,000,000 events, {what}, 1 %");
    let mut rng = Rng::with_seed(4);
    let (most, end) = arrive(&mut vec![Seen::new(); streams as usize], &reordered(&mut rng, in_order));
    let mut punctual = in_order.to_vec();
    punctual.retain(|_| !is_late(&mut rng));
    let (_, holes) = arrive(&mut vec![Seen::new(); streams as usize], &punctual);
    let values = streams as usize * size_of::<Seen>();
    let late = format!("up to {LATEST} late");
    for (when, bytes) in [
        (format!("{late}, at most"), most),
        (format!("{late}, at the end"), end),
        ("missing, at the end".to_owned(), holes),
    ] {
        row(&format!("{name} {when}, encoded"), bytes.encoded, "B");
        row(&format!("{name} {when}, in memory"), values + bytes.heap, "B");
    }
}

/// Takes in `(stream, seq)` one after the other: the most that was seen on the way, and what is left.
fn arrive(seen: &mut [Seen], arrivals: &[(u32, u32)]) -> (Bytes, Bytes) {
    let (mut most, mut heap, mut last) = (Bytes::default(), 0i64, Bytes::default());
    for part in arrivals.chunks(arrivals.len().div_ceil(SAMPLES)) {
        let taken = measure(|| {
            for &(stream, seq) in part {
                assert_eq!(seen[stream as usize].admit(seq), Admission::Fresh, "each arrives once");
            }
        });
        heap += taken.bytes_current;
        last = Bytes { encoded: encoded(seen), heap: usize::try_from(heap).expect("nothing else is freed") };
        most.encoded = most.encoded.max(last.encoded);
        most.heap = most.heap.max(last.heap);
    }
    (most, last)
}

fn encoded(seen: &[Seen]) -> usize {
    let mut bytes = Vec::new();
    seen.iter()
        .map(|one| {
            bytes.clear();
            one.encode(&mut bytes);
            bytes.len()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::arrive;
    use headwater_core::seen::Seen;

    #[test]
    fn a_gap_takes_heap_and_gives_it_back() {
        let mut seen = vec![Seen::new(); 2];
        let (most, end) = arrive(&mut seen, &[(0, 0), (1, 0), (0, 2), (0, 1)]);
        // One range in three bytes; two ranges in six.
        assert_eq!((most.encoded, end.encoded), (3 + 6, 3 + 3));
        assert!(most.heap >= 16 && end.heap == 0);
    }
}
