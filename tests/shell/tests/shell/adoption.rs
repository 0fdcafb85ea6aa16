//! What a later shell makes of what it finds.

use headwater_test_shell::{Call, Fact, Happening, Kind};

use crate::device::{Device, batch, events, kept};

#[test]
fn what_a_dead_shell_left_is_sent_under_its_old_name_and_forgotten() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        let mut dead = device.open();
        let (stream, _) = device.track(&mut dead, "a");
        device.track(&mut dead, "b");
        device.wait(&mut dead, 500);
        let first = dead.take_sends().remove(0);
        dead.kill();
        let mut next = device.open_and_adopt();
        let again = next.take_sends().remove(0);
        assert_eq!(again.stream, stream);
        assert_eq!(events(&again), events(&first), "{kind:?}: the same names, bodies and sessions");
        assert_eq!(batch(&again)["client_id"], batch(&first)["client_id"]);
        assert_eq!(batch(&again)["end"], true);
        device.settle(&mut next, &again);
        assert!(device.disk.streams().is_empty(), "{kind:?}");
    }
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_kept() {
    let mut device = Device::new(Kind::Phone);
    let mut app = device.open();
    device.track(&mut app, "a");
    device.disk.kill_at(1, 60);
    device.call(&mut app, &Call::track("torn"));
    assert!(app.is_dead());
    let mut next = device.open_and_adopt();
    assert_eq!(device.drain(&mut next), ["a"]);
    assert!(device.disk.streams().is_empty());
}

#[test]
fn a_stale_reader_sends_less_and_removes_no_more_than_it_was_told_of() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        let mut dead = device.open();
        for name in ["a", "b", "c"] {
            device.track(&mut dead, name);
        }
        dead.kill();
        let mut stale = device.open();
        device.adopt(&mut stale, 1);
        assert_eq!(device.drain(&mut stale), ["a", "b"], "{kind:?}");
        assert_eq!(kept(&device.disk), ["c"], "{kind:?}");
        let mut next = device.open_and_adopt();
        assert_eq!(device.drain(&mut next), ["c"], "{kind:?}");
    }
}

#[test]
fn events_without_their_header_are_named_and_not_sent() {
    let mut device = Device::new(Kind::Web);
    let mut dead = device.open();
    let (stream, _) = device.track(&mut dead, "a");
    dead.kill();
    device.disk.take_header(stream);
    let mut next = device.open_and_adopt();
    let sent = next.take_sends().remove(0);
    assert!(events(&sent).is_empty());
    assert_eq!(batch(&sent)["lost"], serde_json::json!([[0, 1, "storage"]]));
    assert!(batch(&sent)["client_id"].is_null());
    device.settle(&mut next, &sent);
    assert!(device.disk.streams().is_empty());
}

#[test]
fn what_another_adopter_removed_is_gone() {
    let mut device = Device::new(Kind::Phone);
    let mut dead = device.open();
    device.track(&mut dead, "a");
    dead.kill();
    let mut slow = device.open();
    device.tell(&mut slow, Happening::Online(false));
    let (view, free, at) = (device.disk.view(0), device.disk.streams(), device.at());
    slow.adopt(&mut device.disk, &view, at, &free);
    let mut quick = device.open_and_adopt();
    assert_eq!(device.drain(&mut quick), ["a"]);
    device.tell(&mut slow, Happening::Online(true));
    assert!(slow.take_facts().iter().any(|fact| matches!(fact, Fact::Gone { from: 0, to: 1, .. })));
    device.wait(&mut slow, 2_000);
    let sent = slow.take_sends();
    assert_eq!(batch(&sent[0])["lost"], serde_json::json!([[0, 1, "vanished"]]));
}

#[test]
fn a_stream_of_a_newer_version_is_left_alone_and_an_older_one_is_read() {
    let mut device = Device::new(Kind::Web);
    device.setup.journal_version = 2;
    let mut newer = device.open();
    let (stream, _) = device.track(&mut newer, "newer");
    newer.kill();
    device.setup.journal_version = 1;
    let mut older = device.open_and_adopt();
    assert!(older.take_facts().contains(&Fact::LeftAlone { stream }));
    device.track(&mut older, "older");
    older.kill();
    assert_eq!(kept(&device.disk).len(), 2);
    device.setup.journal_version = 2;
    let mut newer = device.open_and_adopt();
    let mut names = device.drain(&mut newer);
    names.sort();
    assert_eq!(names, ["newer", "older"]);
}

#[test]
fn the_names_an_adopter_gave_are_found_by_the_next() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        let mut dead = device.open();
        let (stream, _) = device.track(&mut dead, "a");
        device.track(&mut dead, "b");
        dead.kill();
        device.disk.take_event(stream, 0);
        let mut first = device.open_and_adopt();
        first.kill();
        let mut second = device.open_and_adopt();
        let adopted = second.take_facts().into_iter().find_map(|fact| match fact {
            Fact::Adopted { losses, found, .. } => Some((losses, found)),
            _ => None,
        });
        let (losses, found) = adopted.expect("it was adopted");
        assert_eq!((losses[0].0, losses[0].1, losses[0].2.as_str()), (0, 1, "vanished"), "{kind:?}");
        assert_eq!(found, [1]);
    }
}

#[test]
fn a_shell_adopts_a_stream_once() {
    let mut device = Device::new(Kind::Web);
    let mut dead = device.open();
    device.track(&mut dead, "a");
    dead.kill();
    let mut next = device.open_and_adopt();
    device.adopt(&mut next, 0);
    assert_eq!(next.take_sends().len(), 1);
}
