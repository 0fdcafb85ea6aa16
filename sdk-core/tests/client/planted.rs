//! The slips are where they should be: each changes what the shell sees, and none does when it is not planted.

use headwater_core::{
    client::{Decision, Effect, Input, Limits, Outcome, Purpose, StreamNo},
    planted::{Bug, plant},
    ranges::RangeSet,
    reason::Reason,
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

const DEAD: StreamNo = StreamNo(3);

#[test]
fn each_slip_of_the_core_shows() {
    type Shows = fn() -> bool;
    let slips: [(Bug, Shows); 13] = [
        (Bug::AckByStatus, || forgets(200, None)),
        (Bug::AnswerOfPartSettles, || forgets(200, Some(1))),
        (Bug::ClosedForgottenOwing, || {
            let mut page = Page::new();
            page.append(1, 10);
            page.tell(Input::Closed { stream: OWN }).contains(&Effect::ForgetStream { stream: OWN })
        }),
        (Bug::DonePassesHole, || {
            let mut page = evicting();
            page.append(3, 100);
            page.client.done(OWN) > 0
        }),
        (Bug::EndBeforeAnswers, || {
            let mut page = Page::new();
            page.find(DEAD, 0, 51, &(0..51).collect::<Vec<_>>(), &[]);
            page.tell(Input::Adopted { stream: DEAD });
            // The second carries all that waits, but the first is not answered.
            page.sent()[1].end
        }),
        (Bug::EvictionBeforeLedger, || {
            let mut page = evicting();
            page.append(2, 100);
            let ts = UnixMs(EPOCH + page.now + 1);
            let effects = page.tell(Input::Appended { stream: OWN, seq: 2, len: 100, ts });
            effects.iter().any(|e| matches!(e, Effect::Forget { .. }))
        }),
        (Bug::ForgetBeforeAck, || {
            let mut page = Page::new();
            page.append(1, 10);
            page.tell(Input::Hidden).iter().any(|e| matches!(e, Effect::Forget { .. }))
        }),
        (Bug::HoleUnnamed, || {
            let mut page = Page::new();
            page.find(DEAD, 0, 3, &[0, 2], &[]);
            !page.tell(Input::Adopted { stream: DEAD }).iter().any(|e| matches!(e, Effect::Record { .. }))
        }),
        (Bug::NamesForgottenUnacknowledged, || {
            let mut page = evicting();
            page.append(3, 100);
            page.tell(Input::Online(true));
            let sent = page.only_sent();
            page.lose_answer(&sent);
            page.wait(1_000);
            page.only_sent().lost.is_empty()
        }),
        (Bug::OffByOneInRanges, || {
            let mut set: RangeSet = [(0, 1), (10, 11), (20, 21)].into_iter().collect();
            set.insert_range(11, 19);
            set.contains(19)
        }),
        (Bug::PurgeKeepsHeader, || {
            let mut page = Page::new();
            page.append(1, 10);
            page.tell_and_record(Input::Consent { purpose: Purpose(0), decision: Decision::Denied });
            page.only_sent().has_header
        }),
        (Bug::RetryResetsLedger, || {
            let mut page = evicting();
            page.append(3, 100);
            page.tell(Input::Online(true));
            let sent = page.only_sent();
            page.answer(&sent, 503, Some(0)).iter().any(|e| matches!(e, Effect::ForgetRecord { .. }))
        }),
        (Bug::TooOldByDeviceClock, || {
            let mut page = Page::new();
            page.find(DEAD, 0, 1, &[0], &[]);
            let later = UnixMs(EPOCH + 50 * 365 * 86_400_000);
            page.client.handle(headwater_core::time::Instant(1), later, Input::Adopted { stream: DEAD });
            let mut effects = std::iter::from_fn(|| page.client.poll());
            effects.any(|e| matches!(e, Effect::Record { reason: Reason::TooOld, .. }))
        }),
    ];
    for (bug, shows) in slips {
        plant(None);
        assert!(!shows(), "{bug:?} without being planted");
        plant(Some(bug));
        assert!(shows(), "{bug:?} is planted, and nothing shows");
        plant(None);
    }
}

fn forgets(status: u16, ack: Option<u32>) -> bool {
    let mut page = Page::new();
    page.append(2, 10);
    page.wait(500);
    let sent = page.only_sent();
    let outcome = Outcome::Answer { status, ack, retry_after: None, time: None };
    let effects = page.tell(Input::Answered { request: sent.request, outcome });
    effects.iter().any(|e| matches!(e, Effect::Forget { .. }))
}

fn evicting() -> Page {
    let mut page = Page::with(Limits { queue_bytes: 200, ..Limits::default() });
    page.tell(Input::Online(false));
    page
}
