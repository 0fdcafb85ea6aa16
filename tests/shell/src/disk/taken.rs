//! What a platform took back.

use std::collections::BTreeMap;

use headwater_core::reason::Reason;
use uuid::Uuid;

use super::found::Found;

/// What a fault changed on a disk, exactly: the difference of what could be read before and after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The streams of which anything changed, by UUID.
    pub streams: Vec<TakenStream>,
}

/// What a fault changed of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenStream {
    /// Whose.
    pub stream: Uuid,
    /// Whether its header is there, before and after.
    pub header: (bool, bool),
    /// The largest stored `done`, before and after.
    pub done: (u32, u32),
    /// The largest stored `head`, before and after: above it nobody can know what there was.
    pub head: (u32, u32),
    /// Events whose bodies went, ascending.
    pub bodies: Vec<u32>,
    /// Events whose bodies came back, ascending: they had been forgotten.
    pub returned: Vec<u32>,
    /// Names of losses that went.
    pub names: Vec<(u32, u32, Reason)>,
}

impl Taken {
    pub(crate) fn between(before: &BTreeMap<Uuid, Found>, after: &BTreeMap<Uuid, Found>) -> Self {
        let nothing = Found::default();
        let mut streams: Vec<Uuid> = before.keys().chain(after.keys()).copied().collect();
        streams.sort_unstable();
        streams.dedup();
        let changes = streams.into_iter().filter_map(|stream| {
            let (was, is) = (before.get(&stream).unwrap_or(&nothing), after.get(&stream).unwrap_or(&nothing));
            (was != is).then(|| TakenStream {
                stream,
                header: (was.header.is_some(), is.header.is_some()),
                done: (was.done, is.done),
                head: (was.head, is.head),
                bodies: missing(was, is),
                returned: missing(is, was),
                names: was.losses.iter().filter(|loss| !is.losses.contains(loss)).copied().collect(),
            })
        });
        Self { streams: changes.collect() }
    }
}

/// Events of one that are not in the other.
fn missing(of: &Found, from: &Found) -> Vec<u32> {
    let is_there = |seq: &u32| from.events.binary_search_by_key(seq, |(seq, _)| *seq).is_ok();
    of.events.iter().map(|(seq, _)| *seq).filter(|seq| !is_there(seq)).collect()
}
