//! Who is refused when there is too much.

use headwater_bridge_flow::{Cause, Limits, Outcome, SpoolPolicy};

use crate::rig::{Rig, event, only_answer, produces, retry};

#[test]
fn above_seventy_percent_everyone_is_refused_and_a_greedy_sender_before() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits { max_messages: 100, ..Limits::default() });
    let mut sent = Vec::new();
    let mut admitted = [0; 8];
    for request in 0..800 {
        let sender = request / 100;
        let effects = rig.request_of(request, sender, true, &[event("a", 0)]);
        if let [produce] = &produces(&effects)[..] {
            sent.push(produce.attempt);
            admitted[usize::try_from(sender).expect("small")] += 1;
        } else {
            assert_eq!(only_answer(&effects), retry(Cause::Busy));
        }
    }
    assert_eq!(admitted.iter().sum::<usize>(), 70, "{admitted:?}");
    assert_eq!(admitted[0], 35, "half of the room is for others");
    assert!(admitted[1] > 20 && admitted[2] > 0, "{admitted:?}");
    for attempt in sent {
        assert_eq!(only_answer(&rig.acked(attempt)), [Outcome::Accepted]);
    }
    assert_eq!(produces(&rig.request(1000, &[event("a", 0)])).len(), 1);
}
