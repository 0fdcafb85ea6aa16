mod denial;
mod full_disk;

use std::fs;

use headwater_segments::Error;

use super::*;
use crate::identity::Identity;

const NOW: UnixMs = UnixMs(1_710_320_000_000);

fn header(client_id: &str) -> Header {
    Header { identity: Identity::given(client_id.into()), app_version: None }
}

fn open(root: &Path) -> Journal {
    Journal::open(root, header("c")).unwrap()
}

/// Appends events of some length; the stream of the last.
fn append(journal: &mut Journal, count: u32) -> StreamNo {
    let body = format!("\"type\":\"{}\"}}", "x".repeat(200));
    for _ in 0..count {
        journal.append(NOW, &body, false).unwrap();
    }
    journal.ordinary().unwrap()
}

fn news(journal: &mut Journal) -> Vec<Input> {
    let mut news = Vec::new();
    journal.take_news(&mut news);
    news
}

fn fail(journal: &mut Journal) {
    journal.log.end_sync(Err(Error::Poisoned)).unwrap_err();
}

fn bytes_on_disk(dir: &Path) -> u64 {
    let segments = headwater_segments::segments(dir).unwrap();
    segments.into_iter().map(|(_, path)| fs::metadata(path).unwrap().len()).sum()
}

/// What the next process finds after this one died.
fn die_and_adopt(journal: Journal) -> (Journal, Vec<Adopted>) {
    let root = journal.root.clone();
    drop(journal);
    let mut next = open(&root);
    let scan = Scan::read(&root, &mut { FIRST_ADOPTED }).unwrap();
    let adopted = next.adopt(scan, false).unwrap();
    (next, adopted)
}

fn openings(root: &Path) -> usize {
    fs::read_dir(root).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}

#[test]
fn an_adopter_finds_what_was_not_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let no = append(&mut journal, 10);
    let session = SessionId::from_words([1, 2, 3, 4]);
    journal.stamp(no, 0, session).unwrap();
    journal.record(no, 1, (3, 5, Reason::QueueFull)).unwrap();
    journal.forget(no, 0, 3);
    journal.set_done(no, 3);
    drop(journal.begin_sync().unwrap());
    let (_, adopted) = die_and_adopt(journal);
    let [Adopted { found, .. }] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!((found.done, found.head), (3, 10));
    assert_eq!(found.calls.keys().copied().collect::<Vec<_>>(), (3..10).collect::<Vec<_>>());
    assert_eq!(found.losses, [(3, 5, "queue_full".to_owned())]);
    assert_eq!(found.stamps, [(0, session)]);
}

#[test]
fn a_journal_torn_at_any_byte_is_adopted_up_to_there() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    for n in 0..5 {
        journal.append(NOW, &format!("\"n\":{n}}}"), false).unwrap();
    }
    let dir = journal.openings[&0].opening.dir();
    drop(journal);
    let segment = headwater_segments::segments(&dir).unwrap().remove(0).1;
    let whole = fs::read(&segment).unwrap();
    let mut most = 0;
    for length in 0..=whole.len() {
        fs::write(&segment, &whole[..length]).unwrap();
        let mut finds = found::Finds::default();
        finds.read(FIRST_ADOPTED, &dir).unwrap();
        let found = finds.finish().into_values().next().unwrap_or_default();
        let seqs: Vec<_> = found.calls.keys().copied().collect();
        assert_eq!(seqs, (0..found.head).collect::<Vec<_>>(), "torn at {length}");
        assert!(found.head >= most);
        most = found.head;
    }
    assert_eq!(most, 5);
}

#[test]
fn events_go_on_in_a_new_stream_after_a_failed_write() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let first = append(&mut journal, 3);
    fail(&mut journal);
    news(&mut journal);
    let second = append(&mut journal, 1);
    let told = news(&mut journal);
    let [closed, opened, Input::Appended { stream, seq: 0, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!((closed, stream), (Input::Closed { stream: first }, second));
    assert_eq!(opened, Input::Opened { stream: second, lane: Lane::default() });
    assert_eq!(openings(root.path()), 2);
    let locations = journal.locate(first, &[0, 1, 2]).unwrap();
    assert!(locations.iter().all(|location| journal.dirs().contains_key(&location.opening)));

    let (_, adopted) = die_and_adopt(journal);
    let mut lengths: Vec<_> = adopted.iter().map(|adopted| adopted.found.calls.len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 3]);
}

#[test]
fn a_failed_log_goes_when_its_events_are_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let no = append(&mut journal, 3);
    fail(&mut journal);
    append(&mut journal, 1);
    journal.tidy().unwrap();
    assert_eq!(openings(root.path()), 2);
    journal.forget(no, 0, 3);
    journal.forget_stream(no).unwrap();
    assert_eq!(openings(root.path()), 1);
}

#[test]
fn a_failed_log_without_events_is_not_left_behind() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    for _ in 0..3 {
        fail(&mut journal);
        journal.renew().unwrap();
    }
    assert_eq!(openings(root.path()), 1);
}

#[test]
fn losses_of_a_failed_log_are_named_in_the_next() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let no = append(&mut journal, 5);
    fail(&mut journal);
    journal.record(no, 1, (0, 2, Reason::Rejected)).unwrap();
    let (_, adopted) = die_and_adopt(journal);
    let [Adopted { found, .. }] = &adopted[..] else { panic!("one stream in two openings: {adopted:?}") };
    assert_eq!(found.calls.len(), 5);
    assert_eq!(found.losses, [(0, 2, "rejected".to_owned())]);
}

#[test]
fn segments_go_when_their_events_are_forgotten_and_the_rest_explains_itself() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let session = SessionId::from_words([1, 2, 3, 4]);
    let no = append(&mut journal, 1);
    journal.stamp(no, 0, session).unwrap();
    journal.record(no, 1, (7, 8, Reason::Rejected)).unwrap();
    for _ in 0..5 {
        append(&mut journal, 6_000);
        journal.tidy().unwrap();
    }
    let dir = journal.openings[&0].opening.dir();
    let before = bytes_on_disk(&dir);
    assert!(before > 5 << 20, "{before}");

    journal.forget(no, 0, 29_000);
    journal.set_done(no, 7);
    journal.tidy().unwrap();
    let after = bytes_on_disk(&dir);
    assert!(after < 2 << 20, "{after}");

    let (mut next, adopted) = die_and_adopt(journal);
    let [Adopted { no, found }] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!((found.done, found.head), (7, 30_001));
    assert_eq!(found.calls.keys().next(), found.calls.keys().min());
    assert!(found.calls.contains_key(&29_000) && found.calls.contains_key(&30_000));
    assert_eq!(found.stamps, [(0, session)]);
    assert_eq!(found.losses, [(7, 8, "rejected".to_owned())]);

    next.forget_stream(*no).unwrap();
    assert_eq!(openings(root.path()), 1, "the adopted opening is gone");
}

#[test]
fn closing_removes_what_owes_nothing_and_keeps_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let no = append(&mut journal, 5);
    journal.forget(no, 0, 5);
    journal.close().unwrap();
    assert_eq!(openings(root.path()), 0);

    let mut journal = open(root.path());
    let no = append(&mut journal, 5);
    journal.forget(no, 0, 4);
    journal.close().unwrap();
    assert_eq!(openings(root.path()), 1);
    let (_, adopted) = die_and_adopt(journal);
    assert_eq!(adopted.len(), 1);
}

#[test]
fn what_an_adopter_wrote_down_helps_the_next_one() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    append(&mut journal, 10);
    let (mut second, adopted) = die_and_adopt(journal);
    let no = adopted[0].no;
    second.record(no, 1, (2, 3, Reason::Rejected)).unwrap();
    second.set_done(no, 2);
    drop(second.begin_sync().unwrap());
    let (mut third, adopted) = die_and_adopt(second);
    let [Adopted { no, found }] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!(found.done, 2);
    assert_eq!(found.losses, [(2, 3, "rejected".to_owned())]);
    assert_eq!(found.calls.len(), 8);
    assert_eq!(openings(root.path()), 3);
    third.forget_stream(*no).unwrap();
    assert_eq!(openings(root.path()), 1);
}

#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    append(&mut journal, 1);
    journal.log.append(&[b"Z a new kind of entry"]).unwrap();
    let (_, adopted) = die_and_adopt(journal);
    assert!(adopted.is_empty());
    assert_eq!(openings(root.path()), 2);
}

#[test]
fn a_new_header_begins_streams_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let before = append(&mut journal, 2);
    journal.append(NOW, "}", true).unwrap();
    news(&mut journal);
    journal.begin_anew(header("d"));
    let after = append(&mut journal, 1);
    let told = news(&mut journal);
    let [Input::Closed { stream: first }, Input::Closed { .. }, Input::Opened { .. }, _] = told[..] else {
        panic!("both lanes are closed, and one is needed again: {told:?}");
    };
    assert_eq!(first, before);
    assert!(journal.header(before).unwrap().0.contains("\"client_id\":\"c\""));
    assert!(journal.header(after).unwrap().0.contains("\"client_id\":\"d\""));
}

#[test]
fn a_lane_is_a_stream_of_its_own_and_an_adopter_knows_it() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    for precious in [false, true, true, false] {
        journal.append(NOW, "}", precious).unwrap();
    }
    let told = news(&mut journal);
    let opened = told.iter().filter(|input| matches!(input, Input::Opened { .. })).count();
    assert_eq!((opened, told.len()), (2, 6));
    let (_, adopted) = die_and_adopt(journal);
    let mut lanes: Vec<_> =
        adopted.iter().map(|adopted| (adopted.found.lane.precious, adopted.found.calls.len())).collect();
    lanes.sort_unstable();
    assert_eq!(lanes, [(false, 2), (true, 2)]);
}

#[test]
fn a_journal_from_before_there_were_lanes_is_adopted() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let uuid = Uuid::from_u128(7);
    let of_stream = |what| Entry { stream: 0, done: 0, head: 1, what }.to_bytes();
    let mut old = of_stream(What::Header { uuid, lane: Lane::default(), text: "\"stream\":\"…\"" });
    old[0] = b'H';
    old.drain(29..31);
    journal.log.append(&[old, of_stream(What::Call { seq: 0, ts: NOW.0, body: "}" })]).unwrap();
    let (_, adopted) = die_and_adopt(journal);
    let [Adopted { found, .. }] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!((found.lane, found.calls.len(), &*found.header), (Lane::default(), 1, "\"stream\":\"…\""));
}
