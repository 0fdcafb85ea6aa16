//! What a platform does, between any two writes and inside of one.

use headwater_test_shell::{Call, Called, Fact, Happening, Kind};

use crate::device::{Device, accepted, kept};

/// Whatever write the process dies in, what it accepted is sent by the next, once.
#[test]
fn a_death_in_any_write_loses_nothing_that_was_accepted() {
    for kind in [Kind::Phone, Kind::Web] {
        for percent in [0, 50, 100] {
            let (mut writes, mut died) = (0, true);
            while died {
                writes += 1;
                died = dies_in(kind, writes, percent);
            }
            assert!(writes > 8, "{kind:?}: {writes} writes are too few to be all of them");
        }
    }
}

fn dies_in(kind: Kind, writes: u32, percent: u32) -> bool {
    let mut device = Device::new(kind);
    device.disk.kill_at(writes, percent);
    let mut page = device.open();
    let mut counted = Vec::new();
    for call in [
        Call::track("a"),
        Call::track("b"),
        Call::Identify("ann".into(), vec![]),
        Call::track("c"),
        Call::Reset,
        Call::track("d"),
    ] {
        device.call(&mut page, &call);
    }
    counted.extend(device.drain(&mut page));
    device.call(&mut page, &Call::track("e"));
    device.tell(&mut page, Happening::Hidden);
    let died = page.is_dead();
    let facts = page.take_facts();
    page.kill();
    device.disk.spare();
    let mut next = device.open_and_adopt();
    counted.extend(device.drain(&mut next));
    let bodies = facts.iter().filter_map(|fact| match fact {
        Fact::Accepted { body, .. } => Some(crate::device::name(body)),
        _ => None,
    });
    for name in bodies {
        assert!(
            counted.contains(&name),
            "{kind:?}, write {writes}, {percent} %: {name} is not in {counted:?}"
        );
    }
    let left = device.disk.contents();
    assert!(left.is_empty(), "{kind:?}, write {writes}, {percent} %: {left:?}, {facts:?}");
    died
}

#[test]
fn the_name_of_an_event_whose_write_did_not_return_is_told() {
    for (percent, is_kept) in [(0, false), (100, true)] {
        let mut device = Device::new(Kind::Web);
        let mut page = device.open();
        let (stream, _) = device.track(&mut page, "a");
        device.disk.kill_at(1, percent);
        let called = device.call(&mut page, &Call::track("b"));
        assert_eq!(called, Called::Died { name: Some((stream, 1)) });
        assert_eq!(kept(&device.disk).len() == 2, is_kept);
        assert_eq!(device.call(&mut page, &Call::track("c")), Called::Left);
    }
}

#[test]
fn power_loss_takes_a_phone_back_to_its_last_fsync() {
    let mut device = Device::new(Kind::Phone);
    let mut app = device.open();
    let (stream, _) = device.track(&mut app, "a");
    device.wait(&mut app, 1_000);
    device.track(&mut app, "b");
    let taken = device.disk.power_loss(0);
    assert_eq!(kept(&device.disk), ["a"]);
    let [of_stream] = &taken.streams[..] else { panic!("{taken:?}") };
    assert_eq!((of_stream.stream, &of_stream.bodies[..], of_stream.head), (stream, &[1][..], (2, 1)));
}

#[test]
fn an_app_that_goes_to_the_background_keeps_all_it_wrote() {
    let mut device = Device::new(Kind::Phone);
    let mut app = device.open();
    device.track(&mut app, "a");
    device.tell(&mut app, Happening::Hidden);
    assert!(device.disk.power_loss(0).streams.is_empty());
    assert_eq!(kept(&device.disk), ["a"]);
}

#[test]
fn cleared_storage_is_noticed_at_the_next_write_and_written_again() {
    for kind in [Kind::Phone, Kind::Web] {
        let mut device = Device::new(kind);
        let mut page = device.open();
        let (stream, _) = device.track(&mut page, "a");
        device.track(&mut page, "b");
        let taken = device.disk.clear();
        assert_eq!(taken.streams[0].bodies, [0, 1]);
        assert_eq!(device.track(&mut page, "c"), (stream, 2));
        assert!(page.take_facts().contains(&Fact::Restored { stream, seqs: vec![0, 1] }));
        assert_eq!(kept(&device.disk), ["a", "b", "c"], "{kind:?}");
        page.kill();
        let mut next = device.open_and_adopt();
        assert_eq!(device.drain(&mut next), ["a", "b", "c"], "{kind:?}");
    }
}

#[test]
fn what_is_rolled_back_and_what_comes_back_is_told() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (stream, _) = device.track(&mut page, "a");
    device.drain(&mut page);
    assert!(kept(&device.disk).is_empty());
    let taken = device.disk.roll_back(1);
    let [of_stream] = &taken.streams[..] else { panic!("{taken:?}") };
    assert_eq!((of_stream.stream, &of_stream.returned[..]), (stream, &[0][..]));
}

#[test]
fn a_clone_sends_true_copies_and_its_own_events_have_other_names() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (stream, _) = device.track(&mut page, "a");
    let mut clone = Device::new(Kind::Web);
    clone.disk = device.disk.copy();
    let mut other = clone.open_and_adopt();
    assert_eq!(other.take_sends()[0].stream, stream);
    let (of_clone, _) = clone.track(&mut other, "b");
    assert_ne!(of_clone, stream);
}

#[test]
fn the_child_of_a_fork_begins_anew() {
    let mut device = Device::new(Kind::Phone);
    let mut parent = device.open();
    let (stream, _) = device.track(&mut parent, "a");
    let at = device.at();
    let mut child = parent.fork(&mut device.disk, at, [99; 32]);
    let (of_child, seq) = device.track(&mut child, "b");
    assert_eq!((of_child == stream, seq), (false, 0));
    assert_eq!(device.track(&mut parent, "c"), (stream, 1));
    assert_eq!(accepted(&child.take_facts()), [(of_child, 0)]);
    assert_eq!(child.identity(), parent.identity());
}

#[test]
fn a_page_from_the_back_forward_cache_begins_anew() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (stream, _) = device.track(&mut page, "a");
    device.tell(&mut page, Happening::Terminating);
    assert_eq!(device.call(&mut page, &Call::track("asleep")), Called::Left);
    device.tell(&mut page, Happening::Restored);
    let (later, seq) = device.track(&mut page, "b");
    assert_eq!((later == stream, seq), (false, 0));
    device.adopt(&mut page, 0);
    let mut names = device.drain(&mut page);
    names.retain(|name| name == "a" || name == "b");
    names.sort();
    names.dedup();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn what_a_page_held_in_memory_goes_on_after_the_back_forward_cache() {
    let mut device = Device::new(Kind::Web);
    device.setup.storage = false;
    let mut page = device.open();
    device.track(&mut page, "a");
    device.tell(&mut page, Happening::Terminating);
    page.take_sends();
    device.tell(&mut page, Happening::Restored);
    let client = page.identity().cloned();
    device.track(&mut page, "b");
    assert_eq!(page.identity().cloned(), client);
    let mut names = device.drain(&mut page);
    names.sort();
    assert_eq!(names, ["a", "b"]);
}
