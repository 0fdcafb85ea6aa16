//! Headwater's client core: **it decides everything and does nothing.**
//!
//! A *shell* (browser, phone, server) writes each call to its journal and tells the core that it did; the core
//! decides which session it belongs to, when it is sent, with what, what an answer means, when to try again, what
//! has to go when there is too much, and when the journal may forget. The shell obeys. So every platform keeps
//! the same promise with the same code: *every accepted event is counted exactly once, or named in the loss
//! ledger with its reason.*
//!
//! # The loop
//!
//! One call changes a [`Client`](client::Client): [`handle`](client::Client::handle). **After every `handle`, drain
//! [`poll`](client::Client::poll) until `None`**, in order, then ask [`poll_timeout`](client::Client::poll_timeout)
//! when to come back. Nothing is decided in between. A shell is this, with a real journal and a real network:
//!
//! ```
//! use headwater_core::client::{Client, Config, Effect, Input, Lane, Limits, Outcome, StreamNo, Transport};
//! use headwater_core::time::{Instant, UnixMs};
//!
//! let mut client = Client::new(Config { entropy: [0; 32], limits: Limits::default() });
//! let stream = StreamNo(0);
//!
//! // 1. Things happen: a stream is opened, an event is in the journal, half a second passes.
//! let mut inputs = vec![
//!     (0, Input::Opened { stream, lane: Lane::default() }),
//!     (10, Input::Appended { stream, seq: 0, len: 62, ts: UnixMs(1_710_320_000_010) }),
//! ];
//! let mut journal = vec![0];
//! while !inputs.is_empty() {
//!     // 2. The core is told, with the time on both clocks.
//!     let (now, input) = inputs.remove(0);
//!     client.handle(Instant(now), UnixMs(1_710_320_000_000 + now), input);
//!     // 3. It is drained, in order.
//!     while let Some(effect) = client.poll() {
//!         match effect {
//!             Effect::Forget { from, to, .. } => journal.retain(|seq| !(from..to).contains(seq)),
//!             Effect::Record { record, .. } => {
//!                 // 4. Write the names down first; the core lets go of the events when it hears of it.
//!                 inputs.push((now, Input::Recorded { record }));
//!             }
//!             Effect::Send { request, transport, .. } => {
//!                 // 5. Splice the bodies into the template, and send. The answer is told as numbers.
//!                 let made = client.request(request).expect("a request just begun");
//!                 assert_eq!(made.seqs, [0]);
//!                 if transport != Transport::Beacon {
//!                     let outcome = Outcome::Answer { status: 204, ack: Some(1), retry_after: None, time: None };
//!                     inputs.push((now + 80, Input::Answered { request, outcome }));
//!                 }
//!             }
//!             // Journal entries and shared state: nothing to do in so small a shell.
//!             _ => {}
//!         }
//!     }
//!     // 6. It says when to wake it.
//!     if let (Some(at), true) = (client.poll_timeout(), inputs.is_empty()) {
//!         inputs.push((at.0, Input::Timeout));
//!     }
//! }
//! assert!(journal.is_empty());
//! ```
//!
//! # What is where
//!
//! | module | decides |
//! |---|---|
//! | [`client`] | what a shell does: see there for a module per decision |
//! | [`status`] | what an answer means |
//! | [`identity`] | what a change of the visitor begins anew |
//! | [`session`] | where a visit ends |
//! | [`seen`] | whether an event is a copy: the one rule of de-duplication, for every server stage |
//! | [`ranges`] | nothing: sets of sequence numbers, which everything here is made of |
//! | [`reason`] | the words of the loss ledger |
//! | [`refusal`] | the words for what never became an event |
//! | [`event_id`] | the id of an event |
//! | [`mod@frame`] | where a record in a file begins and ends |
//! | `planted` | nothing: the slips that the simulator must find (feature `planted`) |
//!
//! # What the core never does
//!
//! It reads no clock (both are passed in), draws no randomness (32 bytes are passed in), does no I/O, starts no
//! thread, awaits nothing, contains no unsafe code. It never sees an event's body, a URL, a person's id, or the
//! stream's UUID: it writes a template, and the shell splices. It never forgets an event that is not settled or
//! durably named, and never names one before it was told that the name can be kept.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "planted")]
extern crate std;

pub mod client;
pub mod event_id;
pub mod frame;
pub mod identity;
#[cfg(feature = "planted")]
pub mod planted;
pub mod ranges;
pub mod reason;
pub mod refusal;
pub mod seen;
pub mod session;
pub mod status;
pub mod time;

/// Whether the slip of this name is planted (see [the module](mod@planted)): `false`, and nothing of it in the program, without the
/// feature.
#[cfg(feature = "planted")]
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::is_planted($crate::planted::Bug::$bug)
    };
}

/// Whether the slip of this name is planted: never without the feature `planted`.
#[cfg(not(feature = "planted"))]
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}
