//! How many calls were refused, by verdict. Refusing comes before the seq and is not loss; the counters are told
//! with a stream, and only grow while that one is current.

use std::collections::BTreeMap;

use headwater_core::{
    client::{Input, StreamNo},
    refusal::Refusal,
};

/// The counters of the current stream, or of the next.
#[derive(Default)]
pub(crate) struct Refused {
    stream: Option<StreamNo>,
    totals: BTreeMap<Refusal, u32>,
}

impl Refused {
    /// Counts refused calls, and says what the core is to be told.
    #[must_use]
    pub(crate) fn count(&mut self, verdict: Refusal, calls: u32) -> Option<Input> {
        let total = self.totals.entry(verdict).or_default();
        *total = total.saturating_add(calls);
        self.stream.map(|stream| Input::Refused { stream, verdict, total: *total })
    }

    /// The current stream may be another than before. What was counted without one is told with it.
    #[must_use]
    pub(crate) fn follow(&mut self, current: Option<StreamNo>) -> Vec<Input> {
        if current == self.stream {
            return Vec::new();
        }
        if self.stream.is_some() {
            // The stream before has them.
            self.totals.clear();
        }
        self.stream = current;
        let told =
            |stream| move |(&verdict, &total): (&Refusal, &u32)| Input::Refused { stream, verdict, total };
        current.map_or_else(Vec::new, |stream| self.totals.iter().map(told(stream)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_before_a_stream_is_told_with_it_and_once() {
        let told = |stream, verdict, total| Input::Refused { stream: StreamNo(stream), verdict, total };
        let mut refused = Refused::default();
        assert_eq!(refused.count(Refusal::Consent, 2), None);
        assert_eq!(refused.follow(Some(StreamNo(4))), [told(4, Refusal::Consent, 2)]);
        assert_eq!(refused.count(Refusal::Consent, 1), Some(told(4, Refusal::Consent, 3)));
        assert_eq!(refused.follow(Some(StreamNo(4))), []);
        assert_eq!(refused.follow(None), []);
        assert_eq!(refused.count(Refusal::Sampled, 1), None);
        assert_eq!(refused.follow(Some(StreamNo(5))), [told(5, Refusal::Sampled, 1)]);
    }
}
