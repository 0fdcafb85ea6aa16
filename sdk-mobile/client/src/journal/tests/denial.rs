//! What a denial removes from the disk, and what stays.

use super::*;

#[test]
fn a_denial_leaves_names_and_nothing_else_on_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(root.path(), header("secret-client")).unwrap();
    append(&mut journal, 3);
    let (mut journal, adopted) = die_and_adopt(journal);
    journal.begin_anew(header("secret-too"));
    let own = append(&mut journal, 4);
    let adopted = adopted[0].no;
    assert!(everything_in(root.path()).contains("secret-client"));

    journal.deny();
    assert!(journal.must_purge());
    assert!(!journal.purge().unwrap(), "the core has named nothing yet");
    for (no, end) in [(adopted, 3), (own, 4)] {
        journal.record(no, end, (0, end, Reason::Consent)).unwrap();
        journal.forget(no, 0, end);
    }
    assert!(journal.purge().unwrap() && !journal.must_purge());
    let left = everything_in(root.path());
    assert!(!left.contains("secret") && !left.contains("xxxx"), "{left}");
    assert_eq!(openings(root.path()), 1);
    assert_eq!(journal.header(own).unwrap().0, format!("\"stream\":\"{}\"", journal.header(own).unwrap().1));

    let (_, adopted) = die_and_adopt(journal);
    let mut losses: Vec<_> = adopted.iter().map(|adopted| adopted.found.losses.clone()).collect();
    losses.sort();
    assert_eq!(losses, [[(0, 3, "consent".to_owned())], [(0, 4, "consent".to_owned())]]);
    assert!(adopted.iter().all(|adopted| !adopted.found.header.contains("client_id")));
}

#[test]
fn what_is_accepted_after_a_denial_was_taken_back_is_not_purged_with_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let before = append(&mut journal, 3);
    journal.deny();
    journal.begin_anew(header("granted"));
    append(&mut journal, 2);
    journal.record(before, 1, (0, 3, Reason::Consent)).unwrap();
    journal.forget(before, 0, 3);
    assert!(journal.purge().unwrap());
    assert_eq!(openings(root.path()), 1);
    let (_, mut adopted) = die_and_adopt(journal);
    adopted.sort_by_key(|adopted| adopted.found.calls.len());
    let [purged, accepted] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!((purged.found.calls.len(), purged.found.losses.len()), (0, 1));
    assert_eq!((accepted.found.calls.len(), accepted.found.losses.len()), (2, 0));
    assert!(accepted.found.header.contains("granted"));
}

#[test]
fn names_that_a_dead_owner_wrote_outlive_the_purge_of_its_journal() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let no = append(&mut journal, 5);
    journal.record(no, 1, (0, 2, Reason::QueueFull)).unwrap();
    journal.forget(no, 0, 2);
    drop(journal);
    let mut next = open(root.path());
    let scan = Scan::read(root.path(), &mut { FIRST_ADOPTED }).unwrap();
    let no = next.adopt(scan, true).unwrap()[0].no;
    // The events are still in the files, and only the core knows that they were named before.
    next.record(no, 1, (0, 5, Reason::Consent)).unwrap();
    next.forget(no, 0, 5);
    assert!(next.purge().unwrap());
    let (_, adopted) = die_and_adopt(next);
    let mut losses = adopted[0].found.losses.clone();
    losses.sort();
    assert_eq!(losses, [(0, 2, "queue_full".to_owned()), (0, 5, "consent".to_owned())]);
}

/// What can be read of all files below.
fn everything_in(dir: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &everything_in(&path);
        } else {
            text += &String::from_utf8_lossy(&fs::read(path).unwrap());
        }
    }
    text
}

#[test]
fn a_death_in_the_middle_of_a_purge_brings_back_no_ids() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(root.path(), header("secret-client")).unwrap();
    let no = append(&mut journal, 3);
    journal.deny();
    journal.record(no, 1, (0, 3, Reason::Consent)).unwrap();
    journal.forget(no, 0, 3);
    // The names are in the new log, and the old one is not removed yet.
    let old = journal.dirs()[&0].clone();
    let kept = tempfile::tempdir().unwrap();
    for file in fs::read_dir(&old).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), kept.path().join(file.file_name())).unwrap();
    }
    assert!(journal.purge().unwrap());
    fs::rename(kept.keep(), &old).unwrap();

    let (_, adopted) = die_and_adopt(journal);
    let [Adopted { found, .. }] = &adopted[..] else { panic!("one stream: {adopted:?}") };
    assert!(found.header.starts_with("\"stream\":") && !found.header.contains("secret"), "{}", found.header);
    assert!(found.losses.contains(&(0, 3, "consent".to_owned())));
}
