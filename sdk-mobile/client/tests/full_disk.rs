//! A disk that is really full.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

mod support;

use std::{
    collections::BTreeMap, env, fs::File, io::Write as _, path::Path, process::Command, time::Duration,
};

use headwater_client::{Client, Error};
use serde_json::json;
use support::{Answer, Receiver, drain};

const ENDPOINT: &str = "HEADWATER_FULL_ENDPOINT";
const JOURNAL: &str = "HEADWATER_FULL_JOURNAL";

/// Every so many events can never be accepted.
const POISON_EVERY: u64 = 50;

/// Not a test by itself: the program that the other starts where the journal directory is a file system of 1 MiB.
#[test]
fn victim() {
    let (Ok(endpoint), Ok(journal)) = (env::var(ENDPOINT), env::var(JOURNAL)) else { return };
    let builder = Client::builder(endpoint, "site-1").journal(&journal).flush_every(Duration::from_hours(1));
    let client = builder.build().unwrap();
    let mut accepted = 0;
    let refused = loop {
        match client.track("numbered", &json!({ "n": accepted, "filler": "x".repeat(500) })) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Journal(_)), "{refused}");
    assert!(accepted > 1_000, "{accepted}");
    fill(Path::new(&journal));
    drain(&client);
    client.track("last", &()).unwrap_err();
    client.close().unwrap();
    File::create(env::var(JOURNAL).unwrap() + "/../accepted")
        .unwrap()
        .write_all(accepted.to_string().as_bytes())
        .unwrap();
}

/// To the last byte.
fn fill(dir: &Path) {
    let mut file = File::create(dir.join("filler")).unwrap();
    while file.write_all(&[0; 64]).is_ok() {}
}

#[test]
fn a_loss_is_named_where_nothing_else_can_be_written() {
    // Needs no root, but a kernel that lets anybody have a file system of his own.
    let namespace = ["--user", "--map-root-user", "--mount"];
    if !Command::new("unshare").args(namespace).arg("true").status().is_ok_and(|status| status.success()) {
        return;
    }
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|request| {
        let events = request["batches"][0]["events"].as_array().unwrap();
        let poisonous = |n: Option<u64>| n.is_some_and(|n| n % POISON_EVERY == 7);
        if events.iter().any(|event| poisonous(event["props"]["n"].as_u64())) {
            Answer::Status(422)
        } else {
            Answer::Settled
        }
    });
    let journal = dir.path().join("journal");
    std::fs::create_dir(&journal).unwrap();
    let mount = "mount -t tmpfs -o size=1m none \"$HEADWATER_FULL_JOURNAL\" && exec \"$0\" --exact victim";
    let status = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", mount])
        .arg(env::current_exe().unwrap())
        .env(ENDPOINT, receiver.url())
        .env(JOURNAL, &journal)
        .status()
        .unwrap();
    assert!(status.success());
    let accepted: u64 = std::fs::read_to_string(dir.path().join("accepted")).unwrap().parse().unwrap();
    let state = receiver.state();
    let poisonous = (0..accepted).filter(|n| n % POISON_EVERY == 7).count();
    assert_eq!(state.known() as u64, accepted);
    assert_eq!(state.lost(), BTreeMap::from([("rejected".to_owned(), poisonous)]));
    state.assert_nothing_in_flight();
}
