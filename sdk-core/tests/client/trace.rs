//! Every decision is told to people, in order.

use headwater_core::{
    client::{Client, Decision, Input, Limits, Purpose, Settings, StreamNo},
    reason::Reason,
    time::UnixMs,
};

use crate::page::{EPOCH, Page};

#[test]
fn a_visit_reads_as_a_story() {
    let mut page = Page::new();
    page.append(2, 100);
    page.wait(500);
    let sent = page.only_sent();
    page.answer_after(&sent, 503, Some(0), Some(2_000));
    page.wait(2_000);
    let sent = page.only_sent();
    page.answer_at(&sent, 204, 2, UnixMs(EPOCH + page.now));
    let story = lines(&mut page.client);
    let id = "session ";
    assert!(story[0].starts_with(id) && story[0].ends_with(": there was none"), "{story:#?}");
    assert_eq!(
        story[1..],
        [
            "flush at 501 ms: something waits",
            "request 1: stream 0, 2 events, 1368 bytes, by Fetch",
            "request 1: 503, 0 of 2 acknowledged: Retry",
            "next try not before 2502 ms",
            "request 2: stream 0, 2 events, 1368 bytes, by Fetch",
            "clock: 0 ms from the server's, trusted",
            "request 2: 204, 2 of 2 acknowledged: Settled",
            "stream 0: acknowledged up to news 0",
        ]
    );
    assert!(page.client.trace().is_none(), "taken");
}

#[test]
fn losses_purges_and_settings_are_told() {
    let mut page = Page::with(Limits { queue_bytes: 200, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(3, 100);
    page.tell(Input::Visitor { draw: u32::MAX });
    page.tell(Input::Settings(Settings { sample: 5, ..Settings::default() }));
    page.find(StreamNo(3), 0, 4, &[0, 1], &[(2, 3, Reason::QueueFull)]);
    page.tell_and_record(Input::Adopted { stream: StreamNo(3) });
    page.tell_and_record(Input::Consent { purpose: Purpose(0), decision: Decision::Denied });
    let story = lines(&mut page.client);
    for line in [
        "queue full: 125 bytes and 0 events go",
        "stream 0: 0..2 lost: queue_full (record 1)",
        "stream 0: record 1 is durable, news 1",
        "calls refused until 86400003 ms: sampled",
        "stream 3: adopted with 2 events, done 0, head 4",
        "stream 3: 3..4 lost: vanished (record 2)",
        "purpose 0: Denied",
        "stream 0: purged of 1 events",
    ] {
        assert!(story.iter().any(|told| told == line), "{line}: {story:#?}");
    }
    assert!(story.iter().all(|line| !line.is_empty() && !line.contains('\n')));
}

#[test]
fn a_shell_that_does_not_listen_is_not_filled_with_it() {
    let mut page = Page::new();
    for _ in 0..20_000 {
        page.tell(Input::Flush);
    }
    assert_eq!(lines(&mut page.client).len(), 10_000);
}

fn lines(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| client.trace()).map(|step| step.to_string()).collect()
}
