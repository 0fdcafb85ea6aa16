//! Framing: what is read of any file is what its whole frames held.

use fastrand::Rng;
use headwater_core::frame::{self, Tail};

/// Reads `data` as a file that may be torn or spoilt.
pub fn run(data: &[u8]) {
    let mut frames = frame::frames(data);
    let mut again = Vec::new();
    for content in frames.by_ref() {
        frame::write(&mut again, content).expect("a length that was read");
    }
    let valid = frames.valid_len();
    assert!(valid <= data.len(), "{valid} of {} bytes", data.len());
    assert_eq!(again, data[..valid], "the frames are the beginning of the file");
    assert_eq!(frames.tail() == Tail::Clean, valid == data.len());
    assert_eq!(frames.next(), None, "the end is the end");

    // Cut there, the file is whole and says the same; with one frame more, that frame is found.
    frame::write(&mut again, b"next").expect("an allowed length");
    let mut frames = frame::frames(&again);
    assert_eq!(frames.by_ref().last(), Some(&b"next"[..]));
    assert_eq!((frames.valid_len(), frames.tail()), (again.len(), Tail::Clean));
}

/// Some frames, and sometimes zeros behind them.
#[must_use]
pub fn sample(random: &mut Rng) -> Vec<u8> {
    let mut file = Vec::new();
    for _ in 0..random.u32(0..6) {
        let content: Vec<_> = (0..random.u32(1..60)).map(|_| random.u8(..)).collect();
        frame::write(&mut file, &content).expect("an allowed length");
    }
    file.resize(file.len() + random.usize(0..3) * random.usize(0..20), 0);
    file
}
