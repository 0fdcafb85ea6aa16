//! What became of each event, for people who look at what a site sends. It holds no value of an event but its type and its
//! name.

use crate::{Admitted, Forwarding, Fresh};

/// One event of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inspected {
    /// The stream's UUID; absent in the plain form.
    pub stream: Option<[u8; 16]>,
    /// Its number in its stream.
    pub seq: Option<u32>,
    /// Which batch of the request, and which event of it.
    pub place: (usize, usize),
    /// Its type; empty where it could not be read.
    pub kind: String,
    /// Its name.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The stage behind has it, once the request is settled; until then nobody knows.
    Forwarded,
    /// The stage behind had it already.
    Duplicate,
    /// It can never be accepted, and why.
    Rejected(String),
}

impl Admitted<'_> {
    /// The first events of the request, and the first that were rejected: at most so many of either.
    #[must_use]
    pub fn inspect(&self, most: usize) -> Vec<Inspected> {
        let sound = self.batches.iter().enumerate().flat_map(|(number, checked)| {
            checked.events.iter().map(move |event| Inspected {
                stream: checked.batch.stream.map(uuid::Uuid::into_bytes),
                seq: event.seq,
                place: (number, event.index),
                kind: event.fields.kind.to_string(),
                name: event.fields.name.as_deref().map(str::to_owned),
                outcome: Outcome::Forwarded,
            })
        });
        let rejected = self.rejected.iter().map(|rejected| Inspected {
            stream: rejected.stream.map(uuid::Uuid::into_bytes),
            seq: rejected.seq,
            place: (usize::MAX, rejected.index),
            kind: String::new(),
            name: None,
            outcome: Outcome::Rejected(rejected.message.clone()),
        });
        sound.take(most).chain(rejected.take(most)).collect()
    }

    /// Events of the request.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.meta.total
    }
}

impl Fresh<'_> {
    /// Tells which of them the stage behind has already.
    pub fn note(&self, inspected: &mut [Inspected]) {
        for event in inspected.iter_mut().filter(|event| event.outcome == Outcome::Forwarded) {
            let (number, index) = event.place;
            let left = &self.batches[number].checked.events;
            if left.binary_search_by_key(&index, |event| event.index).is_err() {
                event.outcome = Outcome::Duplicate;
            }
        }
    }
}

impl Forwarding {
    /// Tells which of them the stage behind will never take, by their places in
    /// [`take_records`](Self::take_records).
    pub fn note(&self, records: &[(usize, String)], inspected: &mut [Inspected]) {
        for (at, why) in records {
            let Some(place) = self.place(*at) else { continue };
            if let Some(event) = inspected.iter_mut().find(|event| event.place == place) {
                event.outcome = Outcome::Rejected(why.clone());
            }
        }
    }
}
