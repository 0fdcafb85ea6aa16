//! The decisions of the SDK. `data` is a list of things that happen to a shell; the first byte says whether that
//! shell keeps its contract (then the whole promise is checked) or not (then nothing may break).

mod books;
mod clock;
mod request;
mod shell;
mod steps;
mod wild;

use fastrand::Rng;
use headwater_core::client::{Client, Effect};

use crate::bytes::Bytes;

/// Plays `data`.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    if bytes.flag() {
        wild::play(&mut bytes);
    } else {
        shell::play(&mut bytes);
    }
}

/// Any bytes are a list of things that happen; three of four are those of a shell that keeps its contract.
#[must_use]
pub fn sample(random: &mut Rng) -> Vec<u8> {
    let mut data: Vec<_> = (0..random.u32(1..500)).map(|_| random.u8(..)).collect();
    data[0] = u8::from(random.u8(0..4) == 0);
    data
}

/// More effects than the events and names of a script can lead to.
const MOST_EFFECTS: usize = 20_000;

/// Takes every effect that is to be taken.
fn drain(client: &mut Client) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some(effect) = client.poll() {
        effects.push(effect);
        assert!(effects.len() < MOST_EFFECTS, "the drain does not end: {effect:?}");
    }
    effects
}
