//! What a request says of streams beyond its events, so that a host can bound what one sender may make the stages behind
//! believe.

use crate::{Admitted, StreamKey};

/// What a request says of one stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Of which.
    pub stream: StreamKey,
    /// One more than the largest seq that it knows of: of events, of its word, of losses.
    pub head: u32,
    /// Seqs that it names as lost.
    pub lost: u64,
}

impl Admitted<'_> {
    /// One claim for each batch that has a stream. None if a back end speaks for its clients by its secret key: it is
    /// believed.
    pub fn claims(&self) -> impl Iterator<Item = Claim> {
        let batches = if self.meta.direct { &self.batches[..] } else { &[] };
        batches.iter().filter_map(|checked| {
            let stream = checked.batch.stream?.into_bytes();
            let word = &checked.batch.word;
            let events = checked
                .events
                .iter()
                .filter_map(|event| event.seq)
                .chain(checked.dropped.iter().map(|(seq, _)| *seq));
            let ends = events.map(|seq| seq.saturating_add(1));
            let ends = ends.chain(word.at.map(|at| at.head)).chain(word.lost.iter().map(|lost| lost.to));
            Some(Claim {
                stream: StreamKey { site: self.meta.site.clone(), stream },
                head: ends.max().unwrap_or(0),
                lost: word.lost.iter().map(|lost| u64::from(lost.to - lost.from)).sum(),
            })
        })
    }
}
