//! Long queues cost in proportion to their length, and the ends of numbers and time end nothing.

use std::time::{Duration, Instant as Clock};

use headwater_core::{
    client::{Client, Config, Effect, Input, Lane, Limits, Outcome, StreamNo},
    time::{Instant, UnixMs},
};

use crate::page::{EPOCH, OWN, Page};

const DEAD: StreamNo = StreamNo(3);

#[test]
fn a_long_queue_is_adopted_and_acknowledged_in_linear_time() {
    // Some 0.3 s on a machine that is not busy; looking through all of it at each answer takes a minute.
    let taken = adopt_and_settle(200_000);
    assert!(taken < Duration::from_secs(15), "{taken:?}");
}

#[test]
fn an_event_at_the_front_that_nobody_takes_does_not_make_the_rest_slow() {
    let mut client = client();
    let mut requests = found(&mut client, 30_000);
    let started = Clock::now();
    let mut settled = 0;
    while let Some(request) = requests.pop() {
        let seqs = client.request(request).expect("under way").seqs;
        let sent = u32::try_from(seqs.len()).expect("few");
        let refused = seqs.contains(&0);
        settled += if refused { 0 } else { sent };
        let (status, ack) = if refused { (413, None) } else { (204, Some(sent)) };
        requests.extend(answer(&mut client, request, status, ack));
        if let (true, Some(at)) = (requests.is_empty(), client.poll_timeout()) {
            client.handle(at, UnixMs(EPOCH + at.0), Input::Timeout);
            requests.extend(drain(&mut client));
        }
        if settled == 29_999 {
            break;
        }
    }
    assert_eq!(settled, 29_999);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_seq_that_names_no_event_changes_nothing() {
    let mut page = Page::with(Limits { queue_bytes: 10, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(3, 100);
    let ts = UnixMs(EPOCH);
    page.tell(Input::Appended { stream: OWN, seq: u32::MAX, len: 100, ts });
    page.find(DEAD, 0, 1, &[0, u32::MAX], &[]);
    page.tell_and_record(Input::Adopted { stream: DEAD });
    page.append(1, 100);
    page.tell(Input::Online(true));
    assert!(page.sent().iter().all(|sent| !sent.seqs.contains(&u32::MAX)));
}

#[test]
fn the_last_seq_of_all_is_evicted_as_any() {
    let mut page = Page::with(Limits { queue_bytes: 150, ..Limits::default() });
    page.tell(Input::Online(false));
    for seq in [u32::MAX - 2, u32::MAX - 1] {
        page.append_to(OWN, seq, 100);
    }
    page.open(StreamNo(1), Lane::default());
    let effects = page.append_to(StreamNo(1), 0, 100);
    let forgotten = Effect::Forget { stream: OWN, from: u32::MAX - 2, to: u32::MAX };
    assert!(effects.contains(&forgotten), "{effects:?}");
}

#[test]
fn the_end_of_time_ends_nothing() {
    let mut client = client();
    for now in [u64::MAX - 1, u64::MAX] {
        for input in [
            Input::Opened { stream: OWN, lane: Lane::default() },
            Input::Timeout,
            Input::Flush,
            Input::Gate { until: UnixMs(u64::MAX) },
            Input::Timeout,
        ] {
            client.handle(Instant(now), UnixMs(u64::MAX), input);
            assert!(drain(&mut client).is_empty());
            assert_eq!(client.poll_timeout(), None);
        }
    }
}

#[test]
fn under_memory_pressure_everything_goes_at_once_and_nothing_is_lost() {
    let mut page = Page::new();
    page.append(30, 100);
    page.tell(Input::MemoryPressure);
    let sent = page.only_sent();
    assert_eq!(sent.seqs.len(), 30);
    page.settle(&sent);
    page.tell(Input::MemoryPressure);
    page.append(1, 100);
    page.wait(1_000);
    assert_eq!(page.only_sent().seqs, [30]);
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut page = Page::new();
    page.append(3, 100);
    let mut clone = page.client.clone();
    let sent = {
        page.wait(500);
        page.only_sent()
    };
    page.settle(&sent);
    assert_eq!(page.client.done(OWN), 3);
    assert_eq!(clone.done(OWN), 0);
    let at = clone.poll_timeout().expect("the same plan");
    clone.handle(at, UnixMs(EPOCH + at.0), Input::Timeout);
    assert_eq!(drain(&mut clone).len(), 1);
}

fn adopt_and_settle(count: u32) -> Duration {
    let started = Clock::now();
    let mut client = client();
    let mut requests = found(&mut client, count);
    let mut settled = 0;
    while let Some(request) = requests.pop() {
        let sent = u32::try_from(client.request(request).expect("under way").seqs.len()).expect("few");
        settled += sent;
        requests.extend(answer(&mut client, request, 204, Some(sent)));
    }
    assert_eq!(settled, count);
    started.elapsed()
}

fn client() -> Client {
    Client::new(Config { entropy: [7; 32], limits: Limits::default() })
}

/// Tells a dead owner's journal, and returns the requests that follow.
fn found(client: &mut Client, count: u32) -> Vec<u32> {
    let mut tell = |input| {
        client.handle(Instant(0), UnixMs(EPOCH), input);
        drain(client)
    };
    tell(Input::StreamFound { stream: DEAD, lane: Lane::default(), done: 0, head: count });
    for seq in 0..count {
        tell(Input::Found { stream: DEAD, seq, len: 100, ts: UnixMs(EPOCH - u64::from(count - seq)) });
    }
    tell(Input::Adopted { stream: DEAD })
}

fn answer(client: &mut Client, request: u32, status: u16, ack: Option<u32>) -> Vec<u32> {
    let outcome = Outcome::Answer { status, ack, retry_after: None, time: None };
    client.handle(Instant(0), UnixMs(EPOCH), Input::Answered { request, outcome });
    drain(client)
}

/// The requests among what is to be done.
fn drain(client: &mut Client) -> Vec<u32> {
    let effects = std::iter::from_fn(|| client.poll());
    let requests = effects.filter_map(|effect| match effect {
        Effect::Send { request, .. } => Some(request),
        _ => None,
    });
    requests.collect()
}
