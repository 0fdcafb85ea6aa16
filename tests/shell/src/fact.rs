//! What a shell did, for an oracle: everything that changes what is owed, and nothing that does not.

use std::rc::Rc;

use headwater_core::{client::Lane, reason::Reason, refusal::Refusal};
use uuid::Uuid;

/// Something that is true from here on. Ranges are half-open.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The journal write of an event returned (or, in a stream in memory, the call did).
    Accepted {
        /// Its stream.
        stream: Uuid,
        /// Its number there.
        seq: u32,
        /// Its text, without the opening brace.
        body: Rc<[u8]>,
    },
    /// A dead owner's stream was told to the core.
    Adopted {
        /// Whose.
        stream: Uuid,
        /// The largest stored `done`.
        done: u32,
        /// The largest stored `head`.
        head: u32,
        /// The events that were found, ascending.
        found: Vec<u32>,
        /// The names that were found.
        losses: Vec<(u32, u32, Reason)>,
        /// Whether its header was there; without it the events cannot be sent and are named.
        header: bool,
    },
    /// Nothing more is appended to this own stream.
    Closed {
        /// Which.
        stream: Uuid,
    },
    /// The journal let go of these events: each was settled, or its name is durable.
    Forgot {
        /// Whose.
        stream: Uuid,
        /// The first.
        from: u32,
        /// After the last.
        to: u32,
    },
    /// The journal no longer held these events of an adopted stream when they were to be sent.
    Gone {
        /// Whose.
        stream: Uuid,
        /// The first.
        from: u32,
        /// After the last.
        to: u32,
    },
    /// A stream that a newer version wrote was left alone.
    LeftAlone {
        /// Which.
        stream: Uuid,
    },
    /// A name became durable (or, in a stream in memory, known); or the process died in writing it.
    Named {
        /// Whose.
        stream: Uuid,
        /// The first.
        from: u32,
        /// After the last.
        to: u32,
        /// Why they were given up.
        reason: Reason,
        /// Bytes of bodies of own events that the shell held just then.
        held_bytes: u32,
        /// How many its limits allow.
        limit: u32,
    },
    /// A stream was drawn and its header written.
    Opened {
        /// Which.
        stream: Uuid,
        /// Its lane.
        lane: Lane,
        /// Its wire header.
        header: Rc<[u8]>,
        /// Whether it is on the disk; otherwise it dies with its shell.
        stored: bool,
    },
    /// A call was refused.
    Refused {
        /// Why.
        verdict: Refusal,
        /// The stream whose counter tells it, if there is one yet.
        stream: Option<Uuid>,
    },
    /// Storage had been cleared: the header and these events were written again.
    Restored {
        /// Whose.
        stream: Uuid,
        /// Which.
        seqs: Vec<u32>,
    },
    /// Everything known of the stream was removed.
    StreamForgotten {
        /// Which.
        stream: Uuid,
    },
}
