//! The one who knows what was promised, and watches whether it is kept.
//!
//! | module | judges |
//! |---|---|
//! | `facts` | what shells say that they did, and what platforms took back |
//! | `behind` | what is durable behind the edges, and what is gone from there |
//! | `content` | whether what was counted is what was accepted |
//! | `verdict` | the end: every event, every account |

mod behind;
mod content;
mod facts;
mod verdict;

use headwater_core::reason::Reason;

use crate::breach::{Breach, Kind};

pub(crate) use self::{
    behind::By,
    content::Body,
    facts::{Naming, Taker},
    verdict::Rest,
};

/// What is known of every stream.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    books: Vec<Book>,
    breach: Option<Breach>,
    clocks_moved: bool,
    /// Calls that were refused, by verdict.
    refused: Vec<(&'static str, u64)>,
    /// The step under way.
    step: Option<usize>,
    /// Virtual milliseconds.
    now: u64,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) stream: u128,
    /// The platform took its header, or left it behind.
    is_beheaded: bool,
    /// Its owner's device never comes back.
    has_left: bool,
    client_id: String,
    user_id: Option<String>,
    events: Vec<Event>,
    /// When its journal was last written to by its owner.
    pub(crate) written_at: u64,
    /// All below are behind or have a name, as far as it was asked.
    settled: usize,
}

/// One event.
#[derive(Clone, Debug, Default)]
struct Event {
    is: Flags,
    /// Reasons for which somebody truly gave it up, by their place in [`Reason::ALL`].
    reasons: u16,
    /// What the journal took, if its write returned.
    body: Option<Body>,
    /// Unix ms by the device's clock, and by the world's.
    ts: u64,
    at: u64,
}

/// What an event has been through.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Flags(u16);

impl Flags {
    /// Its write returned.
    const ACCEPTED: Self = Self(1);
    /// Its process died in the write.
    const MAYBE: Self = Self(1 << 1);
    /// The platform took it back.
    const TAKEN: Self = Self(1 << 2);
    /// It is durable behind the edges.
    const ARRIVED: Self = Self(1 << 3);
    /// Its name is durable behind the edges.
    const TOLD: Self = Self(1 << 8);
    /// Either.
    const BEHIND: Self = Self(Self::ARRIVED.0 | Self::TOLD.0);
    /// It was, and an operator deleted it.
    const DELETED: Self = Self(1 << 4);
    /// Its name is or was in a journal.
    const NAMED: Self = Self(1 << 5);
    /// And nobody will be told of that.
    const QUIETLY: Self = Self(1 << 7);
    /// A shell removed it from its journal.
    const FORGOTTEN: Self = Self(1 << 6);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn unset(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl Oracle {
    pub(crate) fn begin_step(&mut self, step: Option<usize>) {
        self.step = step;
    }

    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// Notes a breach; the first one counts.
    pub(crate) fn breach(&mut self, kind: Kind, sentence: impl FnOnce() -> String) {
        if self.breach.is_none() {
            self.breach = Some(Breach { kind, step: self.step, at_ms: self.now, sentence: sentence() });
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.breach.is_some()
    }

    pub(crate) fn into_breach(self) -> Option<Breach> {
        self.breach
    }

    pub(crate) fn book(&self, stream: u128) -> Option<&Book> {
        self.books.iter().rev().find(|book| book.stream == stream)
    }

    fn book_mut(&mut self, stream: u128) -> Option<&mut Book> {
        self.books.iter_mut().rev().find(|book| book.stream == stream)
    }

    /// Whether an operator deleted anything.
    pub(crate) fn is_deleted(&self) -> bool {
        self.books.iter().flat_map(|book| &book.events).any(|event| event.is.has(Flags::DELETED))
    }

    /// Whether the broker refused any event for good.
    pub(crate) fn has_dead_letters(&self) -> bool {
        let word = Reason::DeadLetter.as_str();
        self.books.iter().flat_map(|book| &book.events).any(|event| event.was_given_up(word))
    }

    /// Accepted events that only a journal can have.
    pub(crate) fn owed(&self) -> impl Iterator<Item = (u128, u32)> + '_ {
        let elsewhere = Flags(Flags::BEHIND.0 | Flags::DELETED.0 | Flags::NAMED.0 | Flags::TAKEN.0);
        self.books.iter().filter(|book| !book.has_left).flat_map(move |book| {
            let events = (0..).zip(&book.events);
            let owed =
                events.filter(move |(_, event)| event.is.has(Flags::ACCEPTED) && !event.is.has(elsewhere));
            owed.map(|(seq, _)| (book.stream, seq))
        })
    }

    /// How many streams there are.
    pub(crate) fn streams(&self) -> usize {
        self.books.len()
    }

    /// How people tell streams apart in a sentence: by their order of opening.
    pub(crate) fn label(&self, stream: u128) -> String {
        match self.books.iter().position(|book| book.stream == stream) {
            Some(at) => format!("s{at}"),
            None => format!("{stream:032x}"),
        }
    }
}

impl Book {
    fn event(&self, seq: u32) -> Option<&Event> {
        self.events.get(seq as usize)
    }

    fn entry(&mut self, seq: u32) -> &mut Event {
        let at = seq as usize;
        if self.events.len() <= at {
            self.events.resize_with(at + 1, Event::default);
        }
        &mut self.events[at]
    }

    /// The seq after the last that was or may have been written.
    fn head(&self) -> u32 {
        u32::try_from(self.events.len()).unwrap_or(u32::MAX)
    }
}

impl Event {
    fn may_exist(&self) -> bool {
        self.is.has(Flags(Flags::ACCEPTED.0 | Flags::MAYBE.0))
    }

    /// Whether the collector may refuse it for good.
    fn is_rejectable(&self, clocks_moved: bool) -> bool {
        clocks_moved || self.body.as_ref().is_none_or(Body::is_poison)
    }

    fn gives_up(&mut self, reason: Reason) {
        self.reasons |= bit(reason);
    }

    fn was_given_up(&self, reason: &str) -> bool {
        Reason::parse(reason).is_some_and(|reason| self.reasons & bit(reason) != 0)
    }
}

fn bit(reason: Reason) -> u16 {
    1 << Reason::ALL.iter().position(|known| *known == reason).unwrap_or_default()
}
