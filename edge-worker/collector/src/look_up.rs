//! Which events need not be forwarded, because the stage behind has them already.

use std::collections::HashMap;

use headwater_core::ranges::RangeSet;

use crate::{
    Admitted, StreamKey,
    admit::{Checked, Meta, Rejected, Sound},
};

/// A request without the events that are known to be settled.
pub struct Fresh<'a> {
    pub(crate) meta: Meta,
    pub(crate) batches: Vec<FreshBatch<'a>>,
    pub(crate) rejected: Vec<Rejected>,
}

/// A batch with the events to forward.
pub(crate) struct FreshBatch<'a> {
    pub(crate) checked: Checked<'a>,
    pub(crate) key: Option<StreamKey>,
}

impl<'a> Admitted<'a> {
    /// The names to look up, for a host whose cache must be asked over a wire: it answers
    /// [`look_up`](Self::look_up) from what it was told.
    pub fn names(&self) -> impl Iterator<Item = (StreamKey, u32)> {
        self.batches.iter().flat_map(|checked| {
            let key = self.key(checked);
            checked.events.iter().filter_map(move |event| Some((key.clone()?, event.seq?)))
        })
    }

    /// Asks for each event of a stream whether the stage behind has it. Events without a stream pass: only
    /// the last stage knows them. A copy within the request is found without asking.
    #[must_use]
    pub fn look_up(mut self, mut is_settled: impl FnMut(&StreamKey, u32) -> bool) -> Fresh<'a> {
        let checked = std::mem::take(&mut self.batches);
        let mut batches: Vec<FreshBatch<'a>> = Vec::with_capacity(checked.len());
        // A stream may speak in several batches of one request.
        let mut before: HashMap<StreamKey, RangeSet> = HashMap::new();
        for mut checked in checked {
            let key = self.key(&checked);
            let mut seqs = RangeSet::new();
            let earlier = key.as_ref().and_then(|key| before.get(key));
            let mut is_fresh = |event: &Sound<'_>| {
                let (Some(key), Some(seq)) = (&key, event.seq) else { return true };
                !earlier.is_some_and(|seqs| seqs.contains(seq)) && !is_settled(key, seq) && seqs.insert(seq)
            };
            let sent = checked.events.len();
            checked.events.retain(|event| is_fresh(event));
            self.meta.tally.duplicate += (sent - checked.events.len()) as u64;
            if let Some(key) = key.clone().filter(|_| !seqs.is_empty()) {
                before.entry(key).or_default().union(&seqs);
            }
            batches.push(FreshBatch { checked, key });
        }
        Fresh { meta: self.meta, batches, rejected: self.rejected }
    }

    fn key(&self, checked: &Checked<'_>) -> Option<StreamKey> {
        let stream = checked.batch.stream?;
        Some(StreamKey { site: self.meta.site.clone(), stream: stream.into_bytes() })
    }
}
