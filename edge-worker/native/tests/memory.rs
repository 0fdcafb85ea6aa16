//! What hostile bodies cost this process in memory. Alone in its process, because that is what is measured.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

#[path = "support/peak.rs"]
mod peak;

use std::{io::Write as _, thread};

use flate2::{Compression, write::GzEncoder};
use peak::{reset_peak_kb, status_kb};
use support::{PLAIN, Server};

/// One body, what it may unpack to, and slack for threads and sockets: a fiftieth of the bomb.
const ONE_KB: u64 = 24 << 10;
/// The bytes in flight, two unpacked bodies, and what the allocator of each thread keeps: a quarter of one
/// bomb, and there are thirty.
const MANY_KB: u64 = 256 << 10;

#[test]
fn a_bomb_costs_what_an_honest_body_may_and_thirty_at_once_are_bounded() {
    let server = Server::start();
    assert_eq!(server.post(PLAIN).status, 204, "warm");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'['; 1 << 20]).expect("into memory");
    let bomb = encoder.finish().expect("into memory").repeat(954);
    let deep = vec![b'['; 1 << 20];

    let before = reset_peak_kb();
    assert_eq!(server.post(&bomb).status, 413);
    let one = status_kb("VmHWM:") - before;
    assert!(one < ONE_KB, "{one} KB for one");

    let before = reset_peak_kb();
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| assert_eq!(server.post(&bomb).status, 413));
            scope.spawn(|| assert_eq!(server.post(&deep).status, 400));
        }
    });
    let many = status_kb("VmHWM:") - before;
    assert!(many < MANY_KB, "{many} KB for thirty");
    assert_eq!(server.post(PLAIN).status, 204);
    assert_eq!(server.sink.len(), 6);
}
