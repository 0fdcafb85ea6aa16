//! Runs each property over seeded bytes: any, such as lead deep, and those spoilt. `HEADWATER_SEEDS` is how many
//! (2,000 otherwise), `HEADWATER_FIRST_SEED` the first of them: a failure says which to name.

use std::{env, io::Write as _, panic};

use fastrand::Rng;
use flate2::{Compression, write::GzEncoder};
use headwater_properties::{client, frame, seen, wire};

#[test]
fn any_file_is_read_as_the_frames_at_its_beginning() {
    over_seeds(frame::run, frame::sample);
}

#[test]
fn any_body_is_answered_and_each_of_its_events_has_one_outcome() {
    over_seeds(wire::run, |random| {
        let text = wire::sample(random);
        if random.u8(0..8) > 0 {
            return text;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&text).and_then(|()| encoder.finish()).expect("into memory")
    });
}

#[test]
fn whatever_happens_to_a_shell_no_event_is_forgotten_that_is_neither_settled_nor_named() {
    over_seeds(client::run, client::sample);
}

#[test]
fn any_arrivals_are_counted_once_and_have_one_encoding() {
    over_seeds(seen::run, seen::sample);
}

fn over_seeds(run: fn(&[u8]), sample: fn(&mut Rng) -> Vec<u8>) {
    let first = number("HEADWATER_FIRST_SEED").unwrap_or(0);
    for seed in first..first + number("HEADWATER_SEEDS").unwrap_or(2_000) {
        let data = input(&mut Rng::with_seed(seed), sample);
        let result = panic::catch_unwind(|| run(&data));
        assert!(result.is_ok(), "seed {seed}: {}", data.escape_ascii());
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

fn input(random: &mut Rng, sample: fn(&mut Rng) -> Vec<u8>) -> Vec<u8> {
    match random.u8(0..8) {
        0 => (0..random.usize(0..300)).map(|_| random.u8(..)).collect(),
        1..5 => sample(random),
        _ => {
            let mut data = sample(random);
            for _ in 0..random.u32(1..4) {
                spoil(&mut data, random);
            }
            data
        }
    }
}

fn spoil(data: &mut Vec<u8>, random: &mut Rng) {
    let at = random.usize(..=data.len());
    let end = random.usize(at..=data.len());
    match (random.u8(0..5), data.get_mut(at)) {
        (0, Some(byte)) => *byte ^= 1 << random.u8(0..8),
        (1, Some(byte)) => *byte = random.u8(..),
        (2, _) => data.truncate(at),
        (3, _) => data.extend_from_within(at..end),
        _ => drop(data.splice(at..end, data[..(end - at) / 2].to_vec())),
    }
}
