//! Sessions as they are stamped and shared.

use headwater_core::{
    client::{Effect, Input, Lane, StreamNo},
    session::{Session, SessionId},
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

const MINUTE: u64 = 60_000;

#[test]
fn the_first_event_begins_a_session_that_is_stamped_and_shared() {
    let mut page = Page::new();
    let effects = page.append(1, 100);
    let [Effect::SaveSession(session), Effect::Stamp { stream: OWN, from: 0, session: id }] = effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(session, Session::begin(id, UnixMs(EPOCH + page.now)));
    assert_eq!(page.append(3, 100), []);
    page.wait(500);
    let sent = page.only_sent();
    let text = id.text();
    for event in sent.body["batches"][0]["events"].as_array().expect("events") {
        assert_eq!(event["session_id"].as_str().map(str::as_bytes), Some(&text[..]));
    }
}

#[test]
fn a_pause_of_more_than_thirty_minutes_begins_another() {
    let mut page = Page::new();
    let first = page.append(1, 100);
    page.now += 30 * MINUTE - 1;
    let joined = page.append(1, 100);
    assert!(matches!(joined[..], [Effect::SaveSession(_), Effect::Send { .. }]), "{joined:?}");
    page.now += 30 * MINUTE;
    let next = page.append(1, 100);
    let stamp = |effects: &[Effect]| {
        effects.iter().find_map(|e| match e {
            Effect::Stamp { from, session, .. } => Some((*from, *session)),
            _ => None,
        })
    };
    let (Some((0, one)), Some((2, two))) = (stamp(&first), stamp(&next)) else {
        panic!("{first:?} {next:?}")
    };
    assert_ne!(one, two);
}

#[test]
fn activity_is_shared_every_minute_and_on_leaving() {
    let mut page = Page::new();
    page.append(1, 100);
    page.tell(Input::Online(false));
    let mut saves = 0;
    for _ in 0..600 {
        page.now += 999;
        saves += page.append(1, 10).iter().filter(|e| matches!(e, Effect::SaveSession(_))).count();
    }
    assert_eq!(saves, 9, "in ten minutes");
    let left = page.tell(Input::Hidden);
    assert!(
        matches!(left[..], [Effect::SaveSession(s)] if s.last_active == UnixMs(EPOCH + page.now)),
        "{left:?}"
    );
    assert_eq!(page.tell(Input::Terminating), [], "nothing new");
}

#[test]
fn the_session_goes_on_in_the_next_stream_and_from_another_tab() {
    let mut page = Page::new();
    let theirs = Session::begin(SessionId::from_random([5; 4]), UnixMs(EPOCH));
    page.tell(Input::SessionChanged(theirs));
    assert_eq!(page.append(1, 10), [Effect::Stamp { stream: OWN, from: 0, session: theirs.id }]);
    let next = StreamNo(1);
    page.tell(Input::Opened { stream: next, lane: Lane::default() });
    let ts = UnixMs(EPOCH + page.now + 1);
    let effects = page.tell(Input::Appended { stream: next, seq: 0, len: 10, ts });
    assert_eq!(effects, [Effect::Stamp { stream: next, from: 0, session: theirs.id }]);
}

#[test]
fn a_reset_ends_the_session_for_good() {
    let mut page = Page::new();
    let before = page.append(1, 10);
    let Effect::SaveSession(old) = before[0] else { panic!("{before:?}") };
    page.tell(Input::Reset);
    page.tell(Input::SessionChanged(old));
    let after = page.append(1, 10);
    let Effect::SaveSession(new) = after[0] else { panic!("{after:?}") };
    assert_ne!(old.id, new.id);
    page.tell(Input::SessionChanged(Session { last_active: UnixMs(EPOCH + 9_999), ..old }));
    assert_eq!(page.append(1, 10), []);
}

#[test]
fn events_keep_the_session_they_were_stamped_with() {
    let mut page = Page::new();
    let dead = StreamNo(3);
    let (one, two) = (SessionId::from_random([1; 4]), SessionId::from_random([2; 4]));
    page.find(dead, 0, 5, &[0, 1, 2, 3, 4], &[]);
    page.tell(Input::FoundStamp { stream: dead, from: 3, session: two });
    page.tell(Input::FoundStamp { stream: dead, from: 1, session: one });
    page.tell(Input::Adopted { stream: dead });
    let sent = page.only_sent();
    let text = |id: SessionId| String::from_utf8(id.text().to_vec()).expect("ascii");
    let sessions: Vec<_> =
        (0..5).map(|n| sent.body["batches"][0]["events"][n]["session_id"].clone()).collect();
    assert_eq!(
        sessions,
        [serde_json::Value::Null, text(one).into(), text(one).into(), text(two).into(), text(two).into()]
    );
}
