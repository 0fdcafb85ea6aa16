//! What is written, and when it goes.

use headwater_test_shell::{Call, Called, Disk, Event, Fact, Happening, Kind, Setup, Shell};

use crate::device::{Device, accepted, batch, kept};

#[test]
fn calls_of_one_task_share_an_entry_and_each_has_its_seq() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    device.track(&mut page, "first");
    let before = device.disk.writes();
    let at = device.at();
    let called = page.calls(&mut device.disk, at, &[Call::track("a"), Call::track("b"), Call::track("c")]);
    let seqs: Vec<u32> = called
        .iter()
        .map(|called| match called {
            Called::Accepted { seq, .. } => *seq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(device.disk.writes() - before, 1);
    assert_eq!(kept(&device.disk), ["first", "a", "b", "c"]);
}

#[test]
fn the_time_of_events_strictly_increases_whatever_the_clock_does() {
    let mut device = Device::new(Kind::Web);
    device.now = 10_000;
    let mut page = device.open();
    device.track(&mut page, "a");
    device.now = 0;
    device.track(&mut page, "b");
    device.call(&mut page, &Call::Identify("ann".into(), vec![]));
    device.now = 20_000;
    device.track(&mut page, "c");
    let ts: Vec<u64> = page
        .take_facts()
        .iter()
        .filter_map(|fact| match fact {
            Fact::Accepted { body, .. } => {
                Some(body[5..18].iter().fold(0, |n, d| n * 10 + u64::from(d - b'0')))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ts, [10_001, 10_002, 10_003, 20_001].map(|ms| 1_710_320_000_000 + ms));
}

#[test]
fn a_settled_event_leaves_the_journal_and_the_last_takes_its_stream_along() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        device.setup.segment_entries = 1;
        let mut page = device.open();
        device.track(&mut page, "a");
        assert_eq!(device.drain(&mut page), ["a"]);
        assert!(kept(&device.disk).is_empty(), "{kind:?}");
        device.tell(&mut page, Happening::Terminating);
        assert!(device.disk.streams().is_empty(), "{kind:?}");
    }
}

#[test]
fn an_entry_of_several_events_goes_with_the_last_of_them() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let at = device.at();
    let flawed = Event {
        name: "large".into(),
        props: vec![("x".into(), format!("\"{}\"", "x".repeat(40_000)).into())],
        ..Event::default()
    };
    page.calls(&mut device.disk, at, &[Call::track("a"), Call::Event(flawed)]);
    device.tell(&mut page, Happening::Flush);
    let sent = page.take_sends();
    let kept_before = kept(&device.disk);
    device.settle(&mut page, &sent[0]);
    // The second is in the same entry, unless it was in the same request.
    assert_eq!(kept(&device.disk).is_empty(), sent.len() == 1, "{kept_before:?}");
}

#[test]
fn a_phone_removes_its_events_by_segments() {
    let mut device = Device::new(Kind::Phone);
    device.setup.segment_entries = 4;
    let mut app = device.open();
    for name in ["a", "b", "c", "d", "e"] {
        device.track(&mut app, name);
    }
    assert_eq!(device.drain(&mut app).len(), 5);
    let (_, found) = device.disk.contents().into_iter().next().expect("a stream");
    assert_eq!(
        found.events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [4],
        "its segment is written to"
    );
}

#[test]
fn a_full_disk_begins_a_stream_in_memory_with_the_event_that_was_not_kept() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        let mut page = device.open();
        let (stored, _) = device.track(&mut page, "kept");
        device.disk.fill(true);
        let (memory, seq) = device.track(&mut page, "not kept");
        assert_eq!(seq, 0);
        assert_ne!(stored, memory);
        device.disk.fill(false);
        assert_eq!(device.track(&mut page, "later"), (memory, 1));
        assert_eq!(kept(&device.disk), ["kept"]);
        device.wait(&mut page, 500);
        let sent = page.take_sends();
        let no_storage: Vec<bool> =
            sent.iter().map(|one| batch(one)["context"]["no_storage"] == true).collect();
        assert_eq!(no_storage, [false, true], "{kind:?}");
    }
}

#[test]
fn without_storage_nothing_is_written_and_nothing_adopted() {
    let mut device = Device::new(Kind::Web);
    let mut dead = device.open();
    device.track(&mut dead, "stored");
    let before = device.disk.writes();
    device.setup.storage = false;
    let mut page = device.open_and_adopt();
    device.track(&mut page, "a");
    assert_eq!(device.drain(&mut page), ["a"]);
    assert_eq!(device.disk.writes(), before);
    assert_eq!(kept(&device.disk), ["stored"]);
}

#[test]
fn a_name_is_written_into_the_reserved_space_before_its_event_goes() {
    let mut device = Device::new(Kind::Web);
    device.setup.limits.queue_bytes = 500;
    let mut page = device.open();
    device.tell(&mut page, Happening::Online(false));
    for _ in 0..5 {
        device.track(&mut page, "event");
    }
    device.disk.fill(true);
    while !page.take_facts().iter().any(|fact| matches!(fact, Fact::Named { .. })) {
        device.track(&mut page, "more");
    }
    let contents = device.disk.contents();
    let found = contents.values().next().expect("a stream");
    let (from, to, reason) = found.losses[0];
    assert_eq!((from, reason.as_str()), (0, "queue_full"));
    assert!(found.events.iter().all(|(seq, _)| *seq >= to), "{found:?}");
}

#[test]
fn a_name_that_does_not_fit_is_written_later_and_until_then_its_events_stay() {
    let mut device = Device::new(Kind::Web);
    device.disk = Disk::new(Kind::Web, 0);
    let mut owner = Device::new(Kind::Web);
    let mut page = owner.open();
    let (stream, _) = owner.track(&mut page, "a");
    owner.track(&mut page, "b");
    page.kill();
    owner.disk.take_event(stream, 0);
    // No room at all: not even the reserve.
    let mut disk = owner.disk.copy();
    disk.fill(true);
    let mut adopter = Shell::open(&mut disk, &Setup::default(), owner.at(), [9; 32]);
    let (view, free) = (disk.view(0), disk.streams());
    adopter.adopt(&mut disk, &view, owner.at(), &free);
    let named = adopter.take_facts().iter().any(|fact| matches!(fact, Fact::Named { from: 0, to: 1, .. }));
    assert!(named, "the reserve has room for one");
}

#[test]
fn an_adopter_and_an_owner_never_write_under_one_name() {
    let mut device = Device::new(Kind::Web);
    let mut owner = device.open();
    device.track(&mut owner, "a");
    let (stream, _) = device.track(&mut owner, "b");
    // Without locks an adopter takes a living page for dead.
    let mut adopter = device.open_and_adopt();
    device.track(&mut owner, "c");
    assert_eq!(device.drain(&mut adopter), ["a", "b"]);
    assert_eq!(kept(&device.disk), ["c"], "an adopter removes what it was told of");
    owner.kill();
    let mut next = device.open_and_adopt();
    assert_eq!(device.drain(&mut next), ["c"]);
    assert!(!device.disk.streams().contains(&stream));
}

#[test]
fn every_accepted_event_is_a_fact() {
    let mut device = Device::new(Kind::Phone);
    let mut app = device.open();
    let names = [device.track(&mut app, "a"), device.track(&mut app, "b")];
    assert_eq!(accepted(&app.take_facts()), names);
}
