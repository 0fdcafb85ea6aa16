//! Taking over what dead owners left.

use std::{collections::BTreeMap, io, path::Path};

use headwater_core::client::StreamNo;
use uuid::Uuid;

use super::{
    Held, Journal,
    found::{Finds, Found},
    opening::Opening,
    stream::Stream,
};

/// The numbers of our own openings are below.
pub(crate) const FIRST_ADOPTED: u32 = 1 << 31;

/// A dead owner's stream, as the core is to be told of it.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) no: StreamNo,
    pub(crate) found: Found,
}

/// The openings whose owners are dead, locked and read. This takes as long as they are large, and needs no
/// journal.
pub(crate) struct Scan {
    /// Each with the streams that are named in it.
    openings: Vec<(u32, Opening, Vec<Uuid>)>,
    finds: Finds,
}

impl Scan {
    /// Numbers the openings from `next` on.
    pub(crate) fn read(root: &Path, next: &mut u32) -> io::Result<Self> {
        let mut scan = Self { openings: Vec::new(), finds: Finds::default() };
        for opening in Opening::dead(root)? {
            let number = *next;
            match scan.finds.read(number, &opening.dir()) {
                Ok(names) => {
                    scan.openings.push((number, opening, names));
                    *next += 1;
                }
                Err(error) => {
                    tracing::warn!(%error, dir = %opening.dir().display(), "a journal is left alone");
                }
            }
        }
        Ok(scan)
    }
}

impl Journal {
    /// Takes over what was found, and removes what owes nothing; after a denial as what is to go.
    pub(crate) fn adopt(&mut self, scan: Scan, denied: bool) -> io::Result<Vec<Adopted>> {
        let mut numbers = BTreeMap::new();
        let mut adopted = Vec::new();
        for (uuid, found) in scan.finds.finish() {
            // Its opening was copied within the journal directory, or an adopter's notes come late: the
            // stream is already being sent.
            if found.owes_nothing() || self.streams.values().any(|stream| stream.uuid == uuid) {
                continue;
            }
            let mut stream = Stream {
                adopted: true,
                done: found.done,
                head: found.head,
                calls: found.calls.iter().map(|(seq, call)| (*seq, call.location)).collect(),
                stamps: found.stamps.clone(),
                found_losses: found.losses.clone(),
                ..Stream::new(uuid, found.lane, found.header.clone())
            };
            if denied {
                stream.purge();
            }
            let no = self.add(stream);
            numbers.insert(uuid, no);
            adopted.push(Adopted { no, found });
        }
        for (number, opening, names) in scan.openings {
            let streams = names.iter().filter_map(|name| numbers.get(name).copied()).collect();
            self.openings.insert(number, Held { opening, streams, tainted: denied });
        }
        self.remove_unneeded()?;
        Ok(adopted)
    }
}

impl Found {
    /// Everything was settled, as far as its journal knows.
    fn owes_nothing(&self) -> bool {
        self.calls.is_empty() && self.losses.iter().all(|loss| loss.1 <= self.done) && self.done >= self.head
    }
}
