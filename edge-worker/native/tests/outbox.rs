//! The program, killed while its bridge is away: what it kept of senders who may not come again is with the bridge in the end,
//! once.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use headwater_bridge::{
    config::{Config, Overrides},
    serve::Bridge,
};
use headwater_rig::{Service, free_ports};
use headwater_schema::Record;
use tokio::runtime::Runtime;

const DEADLINE: Duration = Duration::from_mins(1);

/// A real bridge on this port, which writes into a file.
fn bridge(runtime: &Runtime, port: u16, file: &Path) -> Bridge {
    let text = format!(
        "open = true\nlisten = \"127.0.0.1:{port}\"\nmetrics_listen = \"127.0.0.1:0\"\n[sink]\nkind = \"file\"\npath = '{}'\n",
        file.display()
    );
    let config = Config::from_toml(&text, Overrides::default()).expect("a configuration");
    runtime.block_on(Bridge::start(config)).expect("a bridge")
}

fn collector(port: u16, dir: &Path, bytes: u64) -> Service {
    Service::new(Path::new(env!("CARGO_BIN_EXE_headwater-collector")), dir.join("collector.log"))
        .args(["--open", "--metrics-listen", "127.0.0.1:0", "--bridge", &format!("http://127.0.0.1:{port}")])
        .arg("--outbox")
        .arg(dir.join("outbox"))
        .args(["--outbox-bytes", &bytes.to_string()])
}

/// Status and `hw-ack`.
fn send(url: &str, head: &str, body: &str) -> (u16, String) {
    let text = ask(url, head, body);
    let ack = text.lines().find_map(|line| line.strip_prefix("hw-ack: ")).unwrap_or("none");
    (text[9..12].parse().expect("a status"), ack.to_owned())
}

fn ask(url: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("a listener");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("a connection");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    // An image is no text.
    String::from_utf8_lossy(&bytes).into_owned()
}

fn plain(number: u32) -> String {
    format!(
        r#"{{"site_id":"s","client_id":"c","events":[{{"type":"x","name":"n{number}","ts":1710320000}}]}}"#
    )
}

fn pixel(number: u32) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sextets = |chunk: &[u8]| {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .map(|at| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]))
            .collect::<String>()
    };
    plain(number).as_bytes().chunks(3).map(sextets).collect()
}

const SDK: &str = r#"{"v":1,"site_id":"s","sent_at":1710320000000,"batches":[{"stream":"01905d1e-7c00-4abc-9def-0123456789ab","client_id":"c","events":[{"seq":0,"type":"x","ts":1710320000123}]}]}"#;

/// How often each event is in the bridge's file, by its name.
fn arrived(file: &Path) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // The last line may be on its way.
    let records = text.lines().filter_map(|line| Record::from_slice(line.as_bytes()).ok());
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let Record::Event(event) = record else { continue };
        names.entry(event.name.unwrap_or_default()).or_default().push(event.event_id);
    }
    names
}

#[track_caller]
fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "not in time");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_the_outbox_took_survives_kills_and_is_with_the_bridge_in_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let runtime = Runtime::new().expect("threads");
    let port = free_ports(1).expect("a port")[0];
    let file = dir.path().join("events.ndjson");
    let mut collector = collector(port, dir.path(), 1 << 20);
    collector.start().expect("it starts without its bridge");
    let url = collector.url();

    assert_eq!(send(&url, "POST /collect", SDK), (503, "0".to_owned()), "whoever can come again has to");
    for number in 0..40 {
        assert_eq!(send(&url, "POST /collect", &plain(number)), (204, "1".to_owned()));
        collector.kill().expect("kill -9");
        collector.start().expect("it starts again");
    }
    for number in 40..50 {
        let image = send(&url, &format!("GET /pixel.gif?events={}", pixel(number)), "");
        assert_eq!(image, (200, "1".to_owned()));
    }
    let metrics = collector.other("metrics").expect("said at the start").to_owned();
    assert!(ask(&metrics, "GET /metrics", "").contains("headwater_collector_outbox_records 50\n"));
    assert!(ask(&metrics, "GET /readyz", "").starts_with("HTTP/1.1 200"), "the outbox has room");

    let behind = bridge(&runtime, port, &file);
    eventually(|| arrived(&file).len() == 50);
    assert!(arrived(&file).values().all(|ids| ids.len() == 1), "drained once, by one process");
    eventually(|| ask(&metrics, "GET /metrics", "").contains("headwater_collector_outbox_records 0\n"));
    assert_eq!(send(&url, "POST /collect", SDK).0, 204);

    // Killed again: what is sent twice has the same name, so it counts once.
    runtime.block_on(behind.stop()).expect("in order");
    for number in 50..60 {
        assert_eq!(send(&url, "POST /collect", &plain(number)).0, 204);
    }
    collector.kill().expect("kill -9");
    let behind = bridge(&runtime, port, &file);
    collector.start().expect("it starts again");
    eventually(|| arrived(&file).len() == 61);
    for (name, ids) in arrived(&file) {
        assert!(ids.iter().all(|id| *id == ids[0]), "{name}: {ids:?}");
    }
    collector.stop().expect("in order");
    runtime.block_on(behind.stop()).expect("in order");
}

#[test]
fn a_full_outbox_says_so_and_loses_nothing_it_has() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_ports(1).expect("a port")[0];
    let mut collector = collector(port, dir.path(), 2_000);
    collector.start().expect("it starts without its bridge");
    let url = collector.url();
    let statuses: Vec<u16> = (0..20).map(|number| send(&url, "POST /collect", &plain(number)).0).collect();
    let kept = statuses.iter().filter(|status| **status == 204).count();
    assert!((1..10).contains(&kept) && statuses[kept..].iter().all(|status| *status == 503), "{statuses:?}");
    let metrics = collector.other("metrics").expect("said at the start").to_owned();
    let readiness = ask(&metrics, "GET /readyz", "");
    let runtime = Runtime::new().expect("threads");
    let file = dir.path().join("events.ndjson");
    let behind = bridge(&runtime, port, &file);
    eventually(|| arrived(&file).len() == kept);
    eventually(|| send(&url, "POST /collect", &plain(99)).0 == 204);
    assert!(readiness.starts_with("HTTP/1.1 200") || readiness.contains("not_ready"), "{readiness}");
    collector.stop().expect("in order");
    runtime.block_on(behind.stop()).expect("in order");
}
