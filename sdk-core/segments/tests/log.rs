//! What survives: torn tails, damage, rolls and drops.
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use headwater_segments::{Error, Log, Options, Problem, Reader};
use tempfile::TempDir;

/// Lengths differ, so that a frame is never mistaken for its neighbour.
fn records() -> Vec<Vec<u8>> {
    (1..=6_u8).map(|index| vec![b'a' + index; usize::from(index) * 3]).collect()
}

fn small() -> Options {
    Options { segment_bytes: 64 }
}

fn read_all(dir: &Path, from: u64, below: u64) -> Result<Vec<Vec<u8>>, Error> {
    let mut reader = Reader::open(dir, from)?;
    let mut all = Vec::new();
    while reader.offset() < below {
        let expected = reader.offset();
        let batch = reader.read_batch(10, below)?;
        assert_eq!(batch[0].0, expected);
        all.extend(batch.into_iter().map(|(_, record)| record));
    }
    Ok(all)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    headwater_segments::segments(dir).unwrap().into_iter().map(|(_, path)| path).collect()
}

/// A log in one segment, with the first `synced` records fsynced and the rest only written.
fn written(synced: usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options::default()).unwrap();
    log.append(&records()[..synced]).unwrap();
    log.sync().unwrap();
    log.append(&records()[synced..]).unwrap();
    let segment = segments(dir.path()).remove(0);
    (dir, segment)
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_and_the_rest_kept() {
    let (dir, segment) = written(2);
    let whole = fs::read(&segment).unwrap();
    let mark = fs::read(dir.path().join("durable")).unwrap();
    let mut ends = vec![0];
    for record in records() {
        ends.push(ends[ends.len() - 1] + 8 + record.len());
    }
    assert_eq!(whole.len(), ends[6]);
    for length in ends[2]..=whole.len() {
        fs::write(&segment, &whole[..length]).unwrap();
        fs::write(dir.path().join("durable"), &mark).unwrap();
        let kept = ends.iter().rposition(|end| *end <= length).unwrap();

        let mut log = Log::open(dir.path(), Options::default()).unwrap();
        assert_eq!(log.next_offset(), kept as u64, "cut at {length}");
        assert_eq!(log.durable_end(), kept as u64);
        let cut = log.torn_tail().map_or(0, |tail| tail.bytes);
        assert_eq!(cut, (length - ends[kept]) as u64);
        assert_eq!(log.append(&["next"]).unwrap(), kept as u64);
        let end = log.sync().unwrap();
        let mut expected = records()[..kept].to_vec();
        expected.push(b"next".to_vec());
        assert_eq!(read_all(dir.path(), 0, end).unwrap(), expected);
    }
}

#[test]
fn a_log_that_ends_below_its_fsynced_end_is_refused_at_every_byte() {
    let (dir, segment) = written(6);
    let whole = fs::read(&segment).unwrap();
    for length in 0..whole.len() {
        fs::write(&segment, &whole[..length]).unwrap();
        let Err(Error::Corrupt { file, .. }) = Log::open(dir.path(), Options::default()) else {
            panic!("cut at {length} went unnoticed");
        };
        assert_eq!(file, segment);
        assert_eq!(fs::read(&segment).unwrap().len(), length, "nothing is changed");
    }
    fs::remove_file(&segment).unwrap();
    assert!(matches!(Log::open(dir.path(), Options::default()), Err(Error::Corrupt { .. })));
}

#[test]
fn without_its_mark_a_shortened_log_is_taken_as_it_is() {
    let (dir, segment) = written(6);
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    fs::remove_file(dir.path().join("durable")).unwrap();
    assert_eq!(Log::open(dir.path(), Options::default()).unwrap().next_offset(), 5);
}

#[test]
fn a_changed_byte_is_noticed_at_every_position() {
    let (dir, segment) = written(6);
    let whole = fs::read(&segment).unwrap();
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 0x10;
        fs::write(&segment, &changed).unwrap();
        assert!(
            matches!(Log::open(dir.path(), Options::default()), Err(Error::Corrupt { .. })),
            "{position}"
        );
        let mut reader = Reader::open(dir.path(), 0).unwrap();
        let mut read = 0;
        let error = loop {
            match reader.read_batch(1, 6) {
                Ok(batch) => read += batch.len(),
                Err(error) => break error,
            }
        };
        let Error::Corrupt { file, offset, position: at, .. } = error else { panic!("{error}") };
        assert_eq!((file, offset), (segment.clone(), read as u64));
        assert!(at <= position as u64);
    }
}

#[test]
fn a_changed_byte_in_an_older_segment_is_noticed_at_every_position() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), small()).unwrap();
    for record in records() {
        log.append(&[record]).unwrap();
    }
    let end = log.sync().unwrap();
    let segment = segments(dir.path()).remove(0);
    let whole = fs::read(&segment).unwrap();
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(&segment, &changed).unwrap();
        assert!(matches!(read_all(dir.path(), 0, end), Err(Error::Corrupt { .. })), "{position}");
    }
    for length in 0..whole.len() {
        fs::write(&segment, &whole[..length]).unwrap();
        assert!(matches!(read_all(dir.path(), 0, end), Err(Error::Corrupt { .. })), "{length}");
    }
}

#[test]
fn a_missing_segment_in_the_middle_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options { segment_bytes: 1 }).unwrap();
    for record in records() {
        log.append(&[record]).unwrap();
    }
    let end = log.sync().unwrap();
    fs::remove_file(&segments(dir.path())[2]).unwrap();
    let error = read_all(dir.path(), 0, end).unwrap_err();
    assert!(matches!(error, Error::Corrupt { offset: 2, problem: Problem::Gap, .. }), "{error}");
    assert!(matches!(Reader::open(dir.path(), 2).map(drop), Ok(()) | Err(Error::Corrupt { .. })));
}

#[test]
fn zeros_after_the_last_record_are_a_torn_tail() {
    let (dir, segment) = written(6);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend([0; 100]);
    fs::write(&segment, &bytes).unwrap();
    let log = Log::open(dir.path(), Options::default()).unwrap();
    assert_eq!(log.next_offset(), 6);
    assert_eq!(log.torn_tail().unwrap().bytes, 100);
}

#[test]
fn segments_roll_and_whole_ones_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), small()).unwrap();
    for number in 0..100 {
        assert_eq!(log.append(&[format!("record {number}")]).unwrap(), number);
    }
    let end = log.sync().unwrap();
    let before = segments(dir.path()).len();
    assert!(before > 10);

    let dropped = log.drop_before(50).unwrap();
    assert_eq!(segments(dir.path()).len(), before - dropped);
    assert!(log.first_offset() <= 50);
    assert_eq!(read_all(dir.path(), 50, end).unwrap()[0], b"record 50");
    let error = Reader::open(dir.path(), 0).map(drop).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { offset: 0, .. }), "{error}");

    log.drop_before(u64::MAX).unwrap();
    assert_eq!(segments(dir.path()).len(), 1, "the active segment stays");
    drop(log);
    let mut log = Log::open(dir.path(), small()).unwrap();
    assert_eq!(log.append(&["after"]).unwrap(), 100, "an offset is never given twice");
}

#[test]
fn a_reader_follows_the_writer_and_stops_at_the_end_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), small()).unwrap();
    let mut reader = Reader::open(dir.path(), 0).unwrap();
    assert_eq!(reader.read_batch(1000, 0).unwrap(), vec![]);
    for number in 0..50_u64 {
        log.append(&[format!("record {number}")]).unwrap();
        assert_eq!(reader.read_batch(1000, log.durable_end()).unwrap(), vec![], "not fsynced yet");
        let end = log.sync().unwrap();
        let expected = vec![(number, format!("record {number}").into_bytes())];
        assert_eq!(reader.read_batch(1000, end).unwrap(), expected);
    }
    let mut late = Reader::open(dir.path(), 50).unwrap();
    assert_eq!(late.read_batch(1000, 50).unwrap(), vec![]);
    let error = Reader::open(dir.path(), 51).map(drop).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { offset: 51, first: 0, end: 50 }), "{error}");
}

#[test]
fn an_end_beyond_what_was_written_is_an_error_not_an_empty_answer() {
    let (dir, _) = written(6);
    let mut reader = Reader::open(dir.path(), 6).unwrap();
    assert!(matches!(reader.read_batch(1000, 7), Err(Error::Corrupt { .. })));
}

#[test]
fn records_that_cannot_be_framed_are_refused_and_harm_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options::default()).unwrap();
    assert!(matches!(log.append(&["a", ""]), Err(Error::RecordSize(0))));
    let longest = vec![0; headwater_segments::MAX_RECORD_BYTES + 1];
    assert!(matches!(log.append(&[longest]), Err(Error::RecordSize(_))));
    assert_eq!(log.append(&["b"]).unwrap(), 0);
    let end = log.sync().unwrap();
    assert_eq!(read_all(dir.path(), 0, end).unwrap(), vec![b"b".to_vec()]);
}

#[test]
fn the_longest_record_is_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options::default()).unwrap();
    let longest = vec![7; headwater_segments::MAX_RECORD_BYTES];
    log.append(&[longest.as_slice(), b"after"]).unwrap();
    let end = log.sync().unwrap();
    assert_eq!(read_all(dir.path(), 0, end).unwrap(), vec![longest, b"after".to_vec()]);
}

#[test]
fn others_append_while_an_fsync_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options::default()).unwrap();
    log.append(&["a", "b"]).unwrap();
    let pending = log.begin_sync().unwrap();
    log.append(&["c"]).unwrap();
    assert_eq!(log.end_sync(pending.run()).unwrap(), 2);

    let pending = log.begin_sync().unwrap();
    log.roll().unwrap();
    log.append(&["d"]).unwrap();
    log.sync().unwrap();
    assert_eq!(log.end_sync(pending.run()).unwrap(), 4, "an older fsync takes nothing back");
}

#[test]
fn a_roll_of_an_empty_segment_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options::default()).unwrap();
    log.roll().unwrap();
    log.append(&["a"]).unwrap();
    log.roll().unwrap();
    log.roll().unwrap();
    assert_eq!(segments(dir.path()).len(), 2);
    assert_eq!(log.active_bytes(), 0);
}

#[test]
fn salvage_reads_around_damage_and_reports_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), Options { segment_bytes: 30 }).unwrap();
    for record in records() {
        log.append(&[record]).unwrap();
    }
    let first = segments(dir.path()).remove(0);
    let whole = fs::read(&first).unwrap();
    fs::write(&first, &whole[..whole.len() - 1]).unwrap();

    let mut read = Vec::new();
    let damage = headwater_segments::salvage(dir.path(), |offset, record| {
        read.push((offset, record.to_vec()));
    });
    let damage = damage.unwrap();
    assert!(
        matches!(damage[..], [Error::Corrupt { offset: 2, problem: Problem::BadFrame, .. }]),
        "{damage:?}"
    );
    let expected: Vec<_> = (0..6).zip(records()).filter(|(offset, _)| *offset != 2).collect();
    assert_eq!(read, expected);
    assert_eq!(fs::read(&first).unwrap().len(), whole.len() - 1, "nothing is changed");
}
