//! Naming losses when nothing new can be written.

use super::*;

/// Nothing new can be written: neither to this log nor to a next one.
fn fill(journal: &mut Journal) {
    fail(journal);
    journal.root = journal.dirs()[&0].join("reserve");
}

#[test]
fn a_loss_is_named_on_a_full_disk_and_an_adopter_finds_the_name() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    let first = append(&mut journal, 5);
    journal.begin_anew(header("d"));
    let second = append(&mut journal, 3);
    let path = journal.root.clone();
    fill(&mut journal);
    journal.append(NOW, "}", false).unwrap_err();
    journal.record(first, 1, (0, 2, Reason::Rejected)).unwrap();
    journal.record(second, 2, (1, 2, Reason::QueueFull)).unwrap();
    journal.record(first, 3, (4, 5, Reason::Rejected)).unwrap();
    journal.root = path;
    let (_, adopted) = die_and_adopt(journal);
    let losses: Vec<_> = adopted.iter().flat_map(|adopted| adopted.found.losses.clone()).collect();
    let lost = |from, to, reason: &str| (from, to, reason.to_owned());
    assert_eq!(losses.len(), 3);
    for loss in [lost(0, 2, "rejected"), lost(4, 5, "rejected"), lost(1, 2, "queue_full")] {
        assert!(losses.contains(&loss), "{loss:?}: {losses:?}");
    }
}

#[test]
fn a_stream_of_another_opening_can_be_named_in_the_reserve() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = open(root.path());
    append(&mut journal, 5);
    let (mut second, adopted) = die_and_adopt(journal);
    let path = second.root.clone();
    fill(&mut second);
    second.record(adopted[0].no, 1, (2, 3, Reason::Rejected)).unwrap();
    second.root = path;
    let (_, adopted) = die_and_adopt(second);
    let [Adopted { found, .. }] = &adopted[..] else { panic!("{adopted:?}") };
    assert_eq!((found.calls.len(), &found.losses), (5, &vec![(2, 3, "rejected".to_owned())]));
}
