use std::fs;

use headwater_segments::Error;

use super::*;

const NOW: UnixMs = UnixMs(1_710_320_000_000);

fn open(root: &Path) -> Journal {
    let header = Header { client_id: "c".into(), user_id: None, app_version: None };
    Journal::open(root, header).unwrap()
}

fn append(journal: &mut Journal, count: u32) -> StreamNo {
    let mut stream = None;
    for _ in 0..count {
        stream = Some(journal.append(NOW, &format!("\"type\":\"{}\"}}", "x".repeat(200))).unwrap().stream);
    }
    stream.unwrap()
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
    let adopted = next.adopt(scan).unwrap();
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
        journal.append(NOW, &format!("\"n\":{n}}}")).unwrap();
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
    let appended = journal.append(NOW, "\"type\":\"x\"}").unwrap();
    assert!(appended.opened && appended.stream != first);
    assert_eq!((appended.seq, appended.ts), (0, NOW.after(3)));
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
    journal.tidy().unwrap();
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
fn identify_begins_a_stream_with_its_own_header() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let before = append(&mut journal, 2);
    journal.identify("user-7".into());
    let appended = journal.append(NOW, "\"type\":\"identify\"}").unwrap();
    assert_eq!((appended.opened, appended.seq), (true, 0));
    assert!(journal.header(before).unwrap().0.contains("\"user_id\":null"));
    assert!(journal.header(appended.stream).unwrap().0.contains("\"user_id\":\"user-7\""));
}
