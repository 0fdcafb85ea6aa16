//! Any sequence of appends, crashes, reads and drops against a plain list.

use std::fs;

use headwater_segments::{Log, Options, Reader};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    /// The process dies; of what was not fsynced this many per mille of the bytes stay.
    Crash(u64),
    DropBefore(u64),
    Read(u64),
    Reopen,
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(1..40_u8, 0..5).prop_map(Step::Append),
        1 => (0..=1000_u64).prop_map(Step::Crash),
        1 => (0..120_u64).prop_map(Step::DropBefore),
        3 => (0..120_u64).prop_map(Step::Read),
        1 => Just(Step::Reopen),
        2 => Just(Step::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_holds_what_a_list_would_hold(
        steps in prop::collection::vec(step(), 1..60),
        segment_bytes in 1..300_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes };
        let mut log = Log::open(dir.path(), options).unwrap();
        let mut model: Vec<Vec<u8>> = Vec::new();
        let mut asked = 0;
        for step in steps {
            match step {
                Step::Append(lengths) => {
                    let first = model.len();
                    model.extend(lengths.iter().enumerate().map(|(index, length)| {
                        vec![u8::try_from((first + index) % 251).unwrap(); usize::from(*length)]
                    }));
                    prop_assert_eq!(log.append(&model[first..]).unwrap(), first as u64);
                }
                Step::Crash(per_mille) => {
                    let durable = log.durable_end();
                    let unsynced: u64 = model[usize::try_from(durable).unwrap()..]
                        .iter()
                        .map(|record| record.len() as u64 + 8)
                        .sum();
                    drop(log);
                    let last = fs::read_dir(dir.path())
                        .unwrap()
                        .map(|entry| entry.unwrap().path())
                        .filter(|path| path.extension().is_some())
                        .max()
                        .unwrap();
                    let file = fs::OpenOptions::new().write(true).open(last).unwrap();
                    let length = file.metadata().unwrap().len();
                    file.set_len(length - unsynced * (1000 - per_mille) / 1000).unwrap();
                    log = Log::open(dir.path(), options).unwrap();
                    prop_assert!(log.next_offset() >= durable);
                    prop_assert!(log.next_offset() <= model.len() as u64);
                    model.truncate(usize::try_from(log.next_offset()).unwrap());
                }
                Step::DropBefore(offset) => {
                    log.drop_before(offset).unwrap();
                    asked = asked.max(offset);
                    prop_assert!(log.first_offset() <= asked.min(log.next_offset()));
                }
                Step::Read(offset) => {
                    let end = log.sync().unwrap();
                    let opened = Reader::open(dir.path(), offset);
                    if offset < log.first_offset() || offset > end {
                        prop_assert!(opened.is_err());
                        continue;
                    }
                    let mut reader = opened.unwrap();
                    let mut read = Vec::new();
                    while reader.offset() < end {
                        read.extend(reader.read_batch(100, end).unwrap());
                    }
                    let expected: Vec<_> = (offset..end)
                        .map(|offset| (offset, model[usize::try_from(offset).unwrap()].clone()))
                        .collect();
                    prop_assert_eq!(read, expected);
                }
                Step::Reopen => {
                    drop(log);
                    log = Log::open(dir.path(), options).unwrap();
                    prop_assert_eq!(log.torn_tail(), None);
                }
                Step::Sync => prop_assert_eq!(log.sync().unwrap(), model.len() as u64),
            }
            prop_assert_eq!(log.next_offset(), model.len() as u64);
        }
    }
}
