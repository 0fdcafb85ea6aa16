//! A complete Headwater shell in memory: pages or app processes over a virtual disk.
//!
//! It does what a real shell does, with [`headwater_core`] deciding: it draws streams and writes their headers, writes
//! each call to a journal before it is accepted, obeys the core, adopts what dead owners left, and splices requests.
//! What it has instead of a platform is a [`Disk`] that fails in every way a platform can, between any two writes and
//! inside of one, and [`Fact`]s for an oracle. The simulator and the conformance suite drive it; the time is theirs.
//!
//! ```
//! use headwater_core::{client::Outcome, time::{Instant, UnixMs}};
//! use headwater_test_shell::{Call, Called, Disk, Happening, Kind, Now, Setup, Shell};
//!
//! let at = |ms| Now { mono: Instant(ms), unix: UnixMs(1_710_320_000_000 + ms) };
//! let mut disk = Disk::new(Kind::Web, 5_000_000);
//! let mut page = Shell::open(&mut disk, &Setup::default(), at(0), [7; 32]);
//! let called = page.call(&mut disk, at(10), &Call::track("signup"));
//! assert!(matches!(called, Called::Accepted { seq: 0, .. }));
//!
//! // The page dies. What it wrote is real bytes, which the next one reads, sends, and forgets once that is settled.
//! page.kill();
//! let mut next = Shell::open(&mut disk, &Setup::default(), at(20), [8; 32]);
//! let (view, free) = (disk.view(0), disk.streams());
//! next.adopt(&mut disk, &view, at(20), &free);
//! let sent = next.take_sends().remove(0);
//! assert!(String::from_utf8_lossy(&sent.text).contains("\"name\":\"signup\""));
//! let outcome = Outcome::Answer { status: 204, ack: Some(1), retry_after: None, time: None };
//! next.tell(&mut disk, at(90), Happening::Answered { request: sent.request, outcome });
//! assert!(disk.streams().is_empty());
//! ```
//!
//! # The journal
//!
//! Per stream: a header entry (lane and wire header), entries with the events of one task each, names of losses and
//! stamps in entries of their own. Each is written once, by one writer, and carries the `done` and `head` of its moment.
//! Beside the streams: identity, session, consent per purpose, gate, settings, the core's verdict; last writer wins.
//! On a [phone](Kind::Phone) entries are frames: one may be torn, an fsync covers what is before it, events are removed
//! by segments, an adopted journal goes as a whole and its bodies are read when they are sent.
//!
//! What is shared is told to the other shells of the disk by whoever drives them ([`Shell::take_shared`],
//! [`Happening::Shared`]), as a browser tells `storage` events.
//!
//! # Planted bugs
//!
//! With the feature `planted` the slips of a shell can be turned on (`headwater_core::planted`), to see that the simulator
//! finds them.
#![forbid(unsafe_code)]

mod call;
mod disk;
mod entry;
mod fact;
mod setup;
mod shared;
mod shell;
mod text;

pub use call::{Call, Called, EVENT_MAX, Event, Flaw, Kind as EventKind};
pub use disk::{Disk, Found, Kind, Taken, TakenStream, View};
pub use fact::Fact;
pub use setup::Setup;
pub use shared::{Identity, Shared};
pub use shell::{Happening, Now, Sent, Shell};
pub use text::{Props, Text};
