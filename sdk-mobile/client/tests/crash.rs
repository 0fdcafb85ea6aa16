//! Processes that are really killed, and journals that are really damaged.
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use headwater_client::Client;
use serde_json::json;
use support::{Answer, Receiver, drain};

const ENDPOINT: &str = "HEADWATER_VICTIM_ENDPOINT";
const JOURNAL: &str = "HEADWATER_VICTIM_JOURNAL";
const FIRST: &str = "HEADWATER_VICTIM_FIRST";

/// Not a test by itself: the program that the others start and kill. It says each number after it was accepted.
#[test]
#[expect(clippy::print_stdout, reason = "the tally goes to whoever kills it")]
fn victim() {
    let Ok(endpoint) = env::var(ENDPOINT) else { return };
    let client = Client::builder(endpoint, "site-1")
        .journal(env::var(JOURNAL).unwrap())
        .flush_every(Duration::from_millis(5))
        .build()
        .unwrap();
    for n in env::var(FIRST).unwrap().parse::<u64>().unwrap().. {
        client.track("numbered", &json!({ "n": n })).unwrap();
        println!("accepted {n}");
    }
}

/// Starts a victim and kills it after `count` accepted numbers; returns the first number it did not say.
fn kill_after(receiver: &Receiver, journal: &Path, first: u64, count: u64) -> u64 {
    let mut child: Child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture"])
        .env(ENDPOINT, receiver.url())
        .env(JOURNAL, journal)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = first;
    let mut take = |line: String| {
        // The test harness writes on the same line.
        if let Some((_, number)) = line.split_once("accepted ") {
            assert_eq!(number.parse(), Ok(next));
            next += 1;
        }
        next
    };
    while take(lines.next().unwrap().unwrap()) < first + count {}
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died.
    for line in lines.map_while(Result::ok) {
        take(line);
    }
    next
}

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_is_accepted() {
    for seed in [11, 12] {
        let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
        let mut random = fastrand::Rng::with_seed(seed);
        let mut faults = random.fork();
        receiver.answer(move |_| {
            [Answer::Busy, Answer::Lost, Answer::None, Answer::Settled, Answer::Settled][faults.usize(..5)]
        });
        let mut said = Vec::new();
        for life in 0..6_u64 {
            let first = life * 1_000_000;
            said.extend(first..kill_after(&receiver, dir.path(), first, random.u64(1..3_000)));
        }
        let client = receiver.client(dir.path());
        drain(&client);
        client.close().unwrap();
        let state = receiver.state();
        let numbers = state.numbers();
        assert!(numbers.is_sorted_by(|a, b| a < b), "seed {seed}: counted twice");
        let missing: Vec<_> = said.iter().filter(|n| numbers.binary_search(n).is_err()).collect();
        assert!(missing.is_empty(), "seed {seed}: accepted and not counted: {missing:?}");
        // One per life may have been written without its caller being told.
        assert!(numbers.len() <= said.len() + 6, "seed {seed}");
        assert_eq!(state.lost(), BTreeMap::new(), "seed {seed}");
        state.assert_nothing_in_flight();
        assert_eq!(remaining(dir.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_copy_of_a_journal_is_counted_once() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Busy);
    let next = kill_after(&receiver, dir.path(), 0, 200);
    let copy = tempfile::tempdir().unwrap();
    for opening in remaining(dir.path()) {
        let to = copy.path().join(opening.file_name().unwrap());
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(&opening).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    receiver.answer(|_| Answer::Settled);
    for journal in [dir.path(), copy.path()] {
        drain(&receiver.client(journal));
    }
    let state = receiver.state();
    let numbers = state.numbers();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert!(numbers.len() as u64 >= next);
    assert!(state.streams.values().any(|books| books.copies >= next));
}

#[test]
fn what_a_damaged_journal_no_longer_holds_is_named_vanished() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Busy);
    let client =
        receiver.builder(dir.path()).drain(Duration::ZERO).sync_every(Duration::ZERO).build().unwrap();
    let filler = "x".repeat(1_000);
    for n in 0..4_000 {
        client.track("numbered", &json!({ "n": n, "filler": filler })).unwrap();
        if n % 500 == 0 {
            // Lets the segments roll in between.
            let _ = client.flush(Duration::from_millis(100));
        }
    }
    client.close().unwrap_err();
    let segments = headwater_segments::segments(&remaining(dir.path())[0]).unwrap();
    assert!(segments.len() >= 3, "{segments:?}");
    fs::remove_file(&segments[1].1).unwrap();
    // A changed byte in the first: what follows it there cannot be read.
    let mut bytes = fs::read(&segments[0].1).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segments[0].1, bytes).unwrap();

    receiver.answer(|_| Answer::Settled);
    let client = receiver.client(dir.path());
    drain(&client);
    let state = receiver.state();
    let counted = state.numbers().len();
    assert!(counted > 0 && counted < 4_000);
    assert_eq!(state.known(), 4_000);
    assert_eq!(state.lost(), BTreeMap::from([("vanished".to_owned(), 4_000 - counted)]));
    state.assert_nothing_in_flight();
    assert!(state.streams.values().all(|books| books.ended));
}

fn remaining(journal: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}
