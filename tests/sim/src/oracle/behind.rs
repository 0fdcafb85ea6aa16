//! What is durable behind the edges, and what is gone from there.

use headwater_core::reason::Reason;

use super::{Flags, Oracle};
use crate::{
    breach::Kind,
    names::{Claim, Named},
};

/// Whose deed it is that something durable is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// It must not happen.
    Nobody,
    /// The storage is another one, and says so.
    Operator,
    /// Retention: the storage is the same.
    OperatorQuietly,
}

impl Oracle {
    /// A record became durable: in the log, at the broker, in the spool.
    pub(crate) fn durable(&mut self, named: &Named) {
        match named {
            Named::Event { stream, seq } => {
                if let Some(book) = self.book_mut(*stream).filter(|book| *seq < book.head()) {
                    book.entry(*seq).is.set(Flags::ARRIVED);
                }
            }
            Named::Ledger { stream, lost } => {
                let clocks_moved = self.clocks_moved;
                let Some(book) = self.book_mut(*stream) else { return };
                let head = book.head();
                for (from, to, reason) in lost {
                    for seq in *from..(*to).min(head) {
                        let event = book.entry(seq);
                        event.is.set(Flags::TOLD);
                        // The collector itself names what it rejects from a request that it settles.
                        if reason == Reason::Rejected.as_str() && event.is_rejectable(clocks_moved) {
                            event.gives_up(Reason::Rejected);
                        }
                    }
                }
            }
        }
    }

    /// Some place behind the edges lost something: `left` is all that is durable now.
    pub(crate) fn recount<'a>(
        &mut self,
        left: impl IntoIterator<Item = &'a Named>,
        by: By,
        cause: &'static str,
    ) {
        let mut before: Vec<Vec<Flags>> = Vec::with_capacity(self.books.len());
        for book in &mut self.books {
            before.push(book.events.iter().map(|event| event.is).collect());
            book.events.iter_mut().for_each(|event| event.is.unset(Flags::BEHIND));
        }
        for named in left {
            self.durable(named);
        }
        let mut lost = None;
        for (book, before) in self.books.iter_mut().zip(before) {
            for ((seq, event), was) in (0..).zip(&mut book.events).zip(before) {
                let is_gone = was.has(Flags::BEHIND) && !event.is.has(Flags::BEHIND);
                if is_gone && by == By::Nobody && !was.has(Flags::DELETED) {
                    lost.get_or_insert((book.stream, seq));
                }
                // An event of which the name is left does not count any more all the same.
                if is_gone || (was.has(Flags::ARRIVED) && !event.is.has(Flags::ARRIVED)) {
                    book.settled = 0;
                    event.is.set(Flags::DELETED);
                    if by == By::OperatorQuietly {
                        event.is.set(Flags::QUIETLY);
                    }
                }
            }
        }
        if let Some((stream, seq)) = lost {
            let label = self.label(stream);
            self.breach(Kind::Conservation, || {
                format!("{label}/{seq} was durable, and is gone after {cause}")
            });
        }
    }

    /// An edge takes an event for a copy. `is_told` if what is behind has told it everything that it lost.
    pub(crate) fn taken_for_a_copy(&mut self, stream: u128, seq: u32, is_told: bool) {
        let Some(event) = self.book(stream).and_then(|book| book.event(seq)) else { return };
        let is_there = event.is.has(Flags::BEHIND)
            || (event.is.has(Flags::DELETED) && (!is_told || event.is.has(Flags::QUIETLY)));
        if !is_there {
            let label = self.label(stream);
            self.breach(Kind::Conservation, || {
                format!("an edge takes {label}/{seq} for a copy, and nobody behind it has it")
            });
        }
    }

    /// A request of a shell arrived, which says that all below `at.0` is settled or named.
    pub(crate) fn claimed(&mut self, claim: &Claim) {
        let label = self.label(claim.stream);
        let Some(book) = self.book_mut(claim.stream) else { return };
        let head = book.head();
        let done = claim.at.0.min(head) as usize;
        let named = |seq: u32| claim.lost.iter().any(|(from, to, _)| (*from..*to).contains(&seq));
        let mut false_at = None;
        for seq in book.settled..done {
            let number = u32::try_from(seq).unwrap_or(u32::MAX);
            let event = &book.events[seq];
            let settled = Flags(Flags::BEHIND.0 | Flags::DELETED.0 | Flags::TAKEN.0);
            if event.is.has(Flags::ACCEPTED) && !event.is.has(settled) && !named(number) {
                false_at = Some(number);
                break;
            }
            if event.is.has(Flags::BEHIND) && book.settled == seq {
                book.settled += 1;
            }
        }
        if let Some(seq) = false_at {
            self.breach(Kind::Ledger, || {
                format!(
                    "a request says that all of {label} below {} is settled or named, and {seq} is not",
                    claim.at.0
                )
            });
        }
        let ahead = claim.at.1 > head || claim.at.0 > claim.at.1;
        if ahead {
            self.breach(Kind::Ledger, || {
                format!("a request says at {:?} of {label}, which has {head} events", claim.at)
            });
        }
    }
}
