//! What shells say that they did, and what platforms took back.

use headwater_core::reason::Reason;

use super::{Body, Book, Event, Flags, Oracle};
use crate::{breach::Kind, names::Named};

/// A name that a shell wrote down, and what was so when it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming {
    pub(crate) stream: u128,
    pub(crate) range: (u32, u32),
    pub(crate) reason: Reason,
    /// Own events that the shell held, in bytes and in number, with the limits.
    pub(crate) held: (u64, u64),
    pub(crate) count: (u64, u64),
    /// Whose disk it stands on.
    pub(crate) taker: Taker,
}

/// What happened on a device, as far as it explains a loss.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taker {
    /// Somebody denied consent, or asked for erasure.
    pub(crate) denied: bool,
    /// A write failed, or may have.
    pub(crate) failed: bool,
    /// An answer said that the site is gone.
    pub(crate) stopped: bool,
    /// Age in ms at which events are given up.
    pub(crate) max_age_ms: u64,
    /// Unix ms by the world's clock.
    pub(crate) unix: u64,
}

impl Oracle {
    /// A stream was drawn and its header written: `"stream":"…","client_id":"…","user_id":…,"context":{…}`.
    pub(crate) fn opened(&mut self, stream: u128, header: &str) {
        if self.book(stream).is_some() {
            self.breach(Kind::Invented, || "a stream was drawn twice".to_owned());
        }
        let text = |key: &str| {
            let (_, rest) = header.split_once(key)?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        self.books.push(Book {
            stream,
            is_beheaded: false,
            has_left: false,
            client_id: text("\"client_id\":\"").unwrap_or_default(),
            user_id: text("\"user_id\":\""),
            events: Vec::new(),
            written_at: self.now,
            settled: 0,
        });
    }

    /// The journal write of an event returned.
    pub(crate) fn accepted(&mut self, stream: u128, seq: u32, ts: u64, unix: u64, body: Body) {
        let now = self.now;
        let Some(book) = self.book_mut(stream) else {
            return self.breach(Kind::Invented, || format!("event {seq} of a stream that nobody opened"));
        };
        book.written_at = now;
        let event = book.entry(seq);
        let twice = event.is.has(Flags::ACCEPTED);
        event.is.set(Flags::ACCEPTED);
        (event.body, event.ts, event.at) = (Some(body), ts, unix);
        if twice {
            let label = self.label(stream);
            self.breach(Kind::Invented, || format!("{label}/{seq} was given to two events"));
        }
    }

    /// The process died while it wrote this event.
    pub(crate) fn died_writing(&mut self, stream: u128, seq: u32, ts: u64, unix: u64) {
        if let Some(book) = self.book_mut(stream) {
            let event = book.entry(seq);
            event.is.set(Flags::MAYBE);
            (event.ts, event.at) = (ts, unix);
        }
    }

    /// A shell wrote down that events are lost.
    pub(crate) fn named(&mut self, naming: Naming) {
        let Naming { stream, range: (from, to), reason, .. } = naming;
        let (label, clocks_moved) = (self.label(stream), self.clocks_moved);
        let Some(book) = self.book_mut(stream) else { return };
        let mut flaw = None;
        for seq in from..to {
            let Some(event) = book.events.get_mut(seq as usize).filter(|event| event.may_exist()) else {
                flaw.get_or_insert((seq, "nobody wrote it".to_owned()));
                break;
            };
            if let Err(why) = is_true(&naming, event, clocks_moved) {
                flaw.get_or_insert((seq, why));
            } else {
                event.gives_up(reason);
            }
            event.is.set(Flags::NAMED);
        }
        if let Some((seq, why)) = flaw {
            self.breach(Kind::Ledger, || {
                format!("{label}/{seq} is named {} in {from}..{to}, and {why}", reason.as_str())
            });
        }
    }

    /// A shell removed events from its journal.
    pub(crate) fn forgot(&mut self, stream: u128, from: u32, to: u32) {
        let label = self.label(stream);
        let Some(book) = self.book_mut(stream) else { return };
        let mut early = None;
        for seq in from..to.min(book.head()) {
            let event = book.entry(seq);
            let settled = Flags(Flags::BEHIND.0 | Flags::DELETED.0 | Flags::NAMED.0);
            if event.is.has(Flags::ACCEPTED) && !event.is.has(settled) {
                early.get_or_insert(seq);
            }
            event.is.set(Flags::FORGOTTEN);
        }
        if let Some(seq) = early {
            self.breach(Kind::Conservation, || {
                format!("{label}/{seq} was forgotten, is not durable behind the edges, and has no name")
            });
        }
    }

    /// A device's clock was set: what its events say of their time may be what no collector accepts.
    pub(crate) fn clock_moved(&mut self) {
        self.clocks_moved = true;
    }

    /// The platform took the body of an event back, or a name that stood in its place.
    pub(crate) fn taken(&mut self, stream: u128, seqs: impl IntoIterator<Item = u32>) {
        let Some(book) = self.book_mut(stream) else { return };
        let head = book.head();
        for seq in seqs.into_iter().filter(|seq| *seq < head) {
            book.entry(seq).is.set(Flags::TAKEN);
        }
    }

    /// A stream that was in memory alone went with its page.
    pub(crate) fn taken_whole(&mut self, stream: u128) {
        if let Some(book) = self.book_mut(stream) {
            book.events.iter_mut().for_each(|event| event.is.set(Flags::TAKEN));
        }
    }

    /// The collector, as a whole request, refused this event for good.
    pub(crate) fn blamed(&mut self, stream: u128, seq: u32) {
        if let Some(book) = self.book_mut(stream).filter(|book| seq < book.head()) {
            book.entry(seq).gives_up(Reason::Rejected);
        }
    }

    /// The broker refused a record for good. What a ledger record said is told by nobody any more then.
    pub(crate) fn dead_lettered(&mut self, named: &Named) {
        match named {
            Named::Event { stream, seq } => {
                if let Some(book) = self.book_mut(*stream).filter(|book| *seq < book.head()) {
                    book.entry(*seq).gives_up(Reason::DeadLetter);
                }
            }
            Named::Ledger { stream, lost } => {
                let Some(book) = self.book_mut(*stream) else { return };
                let head = book.head();
                for seq in lost.iter().flat_map(|(from, to, _)| *from..(*to).min(head)) {
                    let is = &mut book.entry(seq).is;
                    is.set(Flags::DELETED);
                    is.set(Flags::QUIETLY);
                }
            }
        }
    }

    /// A call was refused.
    pub(crate) fn refused(&mut self, verdict: &'static str) {
        match self.refused.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, total)) => *total += 1,
            None => self.refused.push((verdict, 1)),
        }
    }

    /// Bodies were written again after the platform had taken them.
    pub(crate) fn restored(&mut self, stream: u128, seqs: &[u32]) {
        if let Some(book) = self.book_mut(stream) {
            for seq in seqs {
                book.entry(*seq).is.unset(Flags::TAKEN);
            }
        }
    }

    /// An adopter found events and names. If a page `died` in a write before, there may be some that nobody told of.
    pub(crate) fn found(&mut self, stream: u128, seqs: &[u32], losses: &[(u32, u32, Reason)], died: bool) {
        if self.book(stream).is_none() {
            if !died {
                return self.breach(Kind::Invented, || "a stream was adopted that nobody opened".to_owned());
            }
            // Its header was the last that its page wrote.
            self.opened(stream, "");
        }
        let label = self.label(stream);
        let Some(book) = self.book_mut(stream) else { return };
        for seq in seqs {
            let is_known = book.event(*seq).is_some_and(Event::may_exist);
            if !is_known && died {
                book.entry(*seq).is.set(Flags::MAYBE);
            }
        }
        let head = book.head();
        let mut untold = None;
        for (from, to, reason) in losses {
            for seq in *from..(*to).min(head) {
                let event = book.entry(seq);
                if !event.was_given_up(reason.as_str()) && !died {
                    untold.get_or_insert((seq, *reason));
                }
                event.gives_up(*reason);
                event.is.set(Flags::NAMED);
            }
        }
        if let Some((seq, reason)) = untold {
            self.breach(Kind::Ledger, || {
                format!("{label}/{seq} is named {} on the disk, and nobody wrote that", reason.as_str())
            });
        }
    }

    /// The platform took the header of a stream.
    pub(crate) fn beheaded(&mut self, stream: u128) {
        if let Some(book) = self.book_mut(stream) {
            book.is_beheaded = true;
        }
    }

    /// An adopter found a stream without its header: its events cannot be sent.
    pub(crate) fn found_headless(&mut self, stream: u128, done: u32, head: u32) {
        if let Some(book) = self.book_mut(stream).filter(|book| book.is_beheaded) {
            for seq in done..head.min(book.head()) {
                let event = book.entry(seq);
                event.gives_up(Reason::Storage);
                event.is.set(Flags::NAMED);
            }
        }
    }

    /// The device of a stream's owner never comes back.
    pub(crate) fn left(&mut self, stream: u128) {
        if let Some(book) = self.book_mut(stream) {
            book.has_left = true;
        }
    }
}

/// Whether what a name says is so.
fn is_true(naming: &Naming, event: &Event, clocks_moved: bool) -> Result<(), String> {
    let Naming { held, count, taker, .. } = naming;
    let is_true = match naming.reason {
        Reason::Consent => taker.denied,
        // What could not be named when it was given up is named when there is room again.
        Reason::QueueFull => held.0 > held.1 || count.0 > count.1 || taker.failed,
        Reason::Stopped => taker.stopped,
        Reason::Storage => taker.failed,
        // By the visitor's clock of then or by the world's: a device that was wrong then cannot know it now.
        Reason::TooOld => taker.unix.saturating_sub(event.ts.min(event.at)) >= taker.max_age_ms,
        Reason::Rejected => event.is_rejectable(clocks_moved) || event.was_given_up("rejected"),
        // Judged when it matters: at the end.
        Reason::Vanished => true,
        Reason::DeadLetter | Reason::Filtered | Reason::TooManyGaps => false,
    };
    if is_true {
        return Ok(());
    }
    Err(match naming.reason {
        Reason::QueueFull => {
            format!("the queue held {} of {} bytes, {} of {} events", held.0, held.1, count.0, count.1)
        }
        Reason::TooOld => {
            let age = taker.unix.saturating_sub(event.ts.min(event.at));
            format!("it was {age} ms old, younger than {}", taker.max_age_ms)
        }
        _ => "nothing of that sort happened there".to_owned(),
    })
}
