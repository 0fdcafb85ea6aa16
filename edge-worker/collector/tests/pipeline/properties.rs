//! What holds for any input.

use std::collections::BTreeSet;

use crate::common::{Collector, event, native, native_seqs};
use headwater_collector::Tally;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_get_an_answer(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut collector = Collector::default();
        let reply = collector.post(&body);
        prop_assert!((200..500).contains(&reply.status));
        prop_assert!(reply.header("hw-ack").is_some());
    }

    #[test]
    fn a_request_spoilt_anywhere_is_answered_and_conserves_its_events(
        at in 0_usize..1_200,
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut body = native_seqs(r#""at":[0,4],"lost":[[9,12,"storage"]],"#, 0..4).into_bytes();
        let at = at % body.len();
        if cut { body.truncate(at) } else { body[at] = byte }
        let mut collector = Collector::default();
        let reply = collector.post(&body);
        let ack: u64 = reply.header("hw-ack").unwrap().parse().unwrap();
        prop_assert_eq!(ack, collector.tally.total());
        prop_assert_eq!(ack > 0, !collector.take_events().is_empty());
    }

    /// Requests with copies, events that are rejected, and a stage behind that fails: each seq that was
    /// settled is forwarded or named, and none is forwarded twice while the cache remembers.
    #[test]
    fn what_is_settled_was_forwarded_or_named(
        requests in proptest::collection::vec((proptest::collection::vec((0_u32..30, 0_u8..4), 0..12), any::<bool>()), 1..20),
    ) {
        let mut collector = Collector::default();
        let (mut settled, mut kept, mut total) = (BTreeSet::new(), Vec::new(), 0);
        for (seqs, down) in requests {
            let texts: Vec<_> = seqs.iter().map(|&(seq, kind)| match kind {
                0 => format!(r#"{{"seq":{seq},"type":"x","ts":-1}}"#),
                _ => event(seq),
            }).collect();
            collector.down = down;
            let reply = collector.post(native("", &texts.iter().map(String::as_str).collect::<Vec<_>>()));
            let (events, ledgers) = collector.take();
            if reply.status < 300 {
                prop_assert_eq!(reply.header("hw-ack").unwrap(), seqs.len().to_string());
                settled.extend(seqs.iter().map(|(seq, _)| *seq));
            } else {
                prop_assert_eq!(reply.header("hw-ack"), Some("0"));
                prop_assert!(events.is_empty() && ledgers.is_empty());
            }
            if reply.status != 422 {
                total += seqs.len() as u64;
            }
            kept.extend(events.iter().filter_map(|event| event.seq));
            let named = ledgers.iter().flat_map(|ledger| &ledger.lost).flat_map(|lost| lost.from..lost.to);
            let named: BTreeSet<_> = named.collect();
            settled.retain(|seq| !named.contains(seq));
        }
        let distinct: BTreeSet<_> = kept.iter().copied().collect();
        prop_assert_eq!(distinct.len(), kept.len(), "forwarded twice");
        prop_assert!(settled.is_subset(&distinct), "{settled:?} {distinct:?}");
        prop_assert_eq!(collector.tally.total(), total);
        prop_assert_eq!(collector.tally, Tally { accepted: kept.len() as u64, ..collector.tally });
    }
}
