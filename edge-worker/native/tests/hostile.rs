//! Senders who mean harm, beside honest ones: each gets its status, all honest requests succeed, memory stays bounded.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

#[path = "support/peak.rs"]
mod peak;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use headwater_native::{Endpoints, Options, Proxies, Rates};
use headwater_service::{process::raise_open_files, server::Bounds};
use peak::{reset_peak_kb, status_kb};
use support::{Answer, PLAIN, Server, stream};

/// Bytes in flight, two unpacked bodies, and the buffers of a thousand connections; a hundredth of what is attempted.
const BOUND_KB: u64 = 320 << 10;

/// Runs an attack beside honest senders who come from an address of their own, and returns how many honest requests there
/// were. Each of them must succeed.
fn beside_honest_traffic(server: &Server, attack: impl FnOnce()) -> u32 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let honest: Vec<_> = (0..2)
            .map(|number| {
                let over = &over;
                scope.spawn(move || {
                    let mut seq = 0;
                    let from = format!("198.51.100.{number}");
                    while !over.load(Ordering::SeqCst) || seq < 20 {
                        let body = stream(500_000 + number, "", seq..seq + 1);
                        let headers = [("x-forwarded-for", &*from)];
                        let answer = server.request("POST", "/collect", &headers, body.as_bytes());
                        assert_eq!(
                            answer.status_and_ack(),
                            (204, "1"),
                            "{}",
                            String::from_utf8_lossy(&answer.body)
                        );
                        seq += 1;
                    }
                    seq
                })
            })
            .collect();
        attack();
        over.store(true, Ordering::SeqCst);
        honest.into_iter().map(|honest| honest.join().expect("every honest request succeeds")).sum()
    })
}

/// One at a time: each measures the memory of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn server(rates: Rates, bounds: Bounds) -> Server {
    let proxies = Proxies { trusted: vec!["127.0.0.0/8".parse().expect("a network")], ..Proxies::default() };
    let options = Options { rates, proxies, ..Options::default() };
    Server::start_as(options, &Endpoints::default(), bounds)
}

fn post(server: &Server, body: &[u8]) -> u16 {
    server.request("POST", "/collect", &[("x-forwarded-for", "203.0.113.66")], body).status
}

#[test]
fn shapes_that_cost_a_reader_time_or_memory() {
    let _alone = alone();
    let server = server(Rates::default(), Bounds::default());
    assert_eq!(server.post(PLAIN).status, 204, "warm");
    let before = reset_peak_kb();
    let event = |inside: &str| {
        format!(r#"{{"site_id":"site-123","client_id":"c","events":[{{"type":"x","ts":1,{inside}}}]}}"#)
    };
    let keys = |count: u32| (0..count).map(|key| format!("\"{key:x}\":0")).collect::<Vec<_>>().join(",");
    let many = [&b"{"[..], keys(100_000).as_bytes(), b"}"].concat();
    assert!(many.len() < 1 << 20, "{}", many.len());
    let huge = "9".repeat(400);
    beside_honest_traffic(&server, || {
        for (name, status, body) in [
            // A million keys are 10 MB; packed they get in, and are refused by what they unpack to.
            ("a million keys", 413, gzip(format!("{{{}}}", keys(1_000_000)).as_bytes())),
            ("keys of the envelope", 400, many),
            ("keys of props", 422, event(&format!("\"props\":{{{}}}", keys(50_000))).into_bytes()),
            (
                "depth 100,000",
                422,
                event(&format!("\"props\":{}{}", "[".repeat(100_000), "]".repeat(100_000))).into_bytes(),
            ),
            (
                "depth 100,000 of objects",
                422,
                event(&format!("\"a\":{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000))).into_bytes(),
            ),
            ("depth that is not closed", 400, "[".repeat(1 << 20).into_bytes()),
            ("one key a thousand times", 422, event(&vec!["\"name\":\"n\""; 1_000].join(",")).into_bytes()),
            (
                "a number of 400 digits",
                422,
                event(&format!("\"revenue\":{huge},\"currency\":\"EUR\"")).into_bytes(),
            ),
            ("a fraction of 400 digits", 422, event(&format!("\"seq\":0.{huge}")).into_bytes()),
            (
                "an exponent without end",
                422,
                event("\"revenue\":1e999999999,\"currency\":\"EUR\"").into_bytes(),
            ),
            (
                "a ts of 400 digits",
                422,
                event("\"a\":0").replace("\"ts\":1", &format!("\"ts\":{huge}")).into_bytes(),
            ),
            ("UTF-8 that is none", 400, b"\xff\xfe\xfd".repeat(300_000)),
            (
                "overlong UTF-8",
                400,
                event("\"name\":\"@\"")
                    .replace('@', "\u{1}")
                    .into_bytes()
                    .into_iter()
                    .map(|byte| if byte == 1 { 0xc0 } else { byte })
                    .collect(),
            ),
            ("escapes only", 422, event(&format!("\"name\":\"{}\"", "\\u0041".repeat(10_000))).into_bytes()),
        ] {
            assert_eq!(post(&server, &body), status, "{name}");
        }
    });
    assert!(status_kb("VmHWM:") - before < BOUND_KB, "{} KB", status_kb("VmHWM:") - before);
}

#[test]
fn a_hundred_megabytes_are_refused_announced_or_not() {
    let _alone = alone();
    let server = server(Rates::default(), Bounds::default());
    assert_eq!(server.post(PLAIN).status, 204, "warm");
    let before = reset_peak_kb();
    beside_honest_traffic(&server, || {
        for head in ["content-length: 104857600", "transfer-encoding: chunked"] {
            let mut stream = server.connect();
            write!(stream, "POST /collect HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n").expect("a connection");
            let mut piece = vec![b' '; 1 << 20];
            if head.starts_with("transfer") {
                piece = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
            }
            // It may be cut off before all of it is written.
            for _ in 0..100 {
                if stream.write_all(&piece).is_err() {
                    break;
                }
            }
            let mut said = [0; 12];
            match stream.read_exact(&mut said) {
                Ok(()) => assert_eq!(said, *b"HTTP/1.1 413", "{head}"),
                // The reset of a connection whose bytes nobody reads may overtake the answer.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{head}"),
            }
        }
    });
    assert!(status_kb("VmHWM:") - before < BOUND_KB);
}

#[test]
fn a_thousand_slow_connections_are_cut_off_and_no_one_waits_for_them() {
    const SLOW: usize = 1_000;
    let _alone = alone();
    raise_open_files();
    let bounds = Bounds { head: Duration::from_secs(1), ..Bounds::default() };
    let server = server(Rates::default(), bounds);
    assert_eq!(server.post(PLAIN).status, 204, "warm");
    let before = reset_peak_kb();
    let honest = beside_honest_traffic(&server, || {
        let mut slow: Vec<TcpStream> = (0..SLOW).map(|_| server.connect()).collect();
        for (number, stream) in slow.iter_mut().enumerate() {
            let said = ["", "P", "POST /collect HTTP/1.1\r\nhost: x\r\nx-a: "][number % 3];
            stream.write_all(said.as_bytes()).expect("a connection");
        }
        for stream in &mut slow {
            // A letter now and then gives no more time: what counts is the whole head.
            let _ = stream.write_all(b"b");
            let mut rest = Vec::new();
            match stream.read_to_end(&mut rest) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
            }
        }
    });
    assert!(honest >= 40, "{honest}");
    assert!(status_kb("VmHWM:") - before < BOUND_KB);
}

#[test]
fn forged_streams_jumps_and_replays_of_old_batches_do_not_touch_what_is_true() {
    let _alone = alone();
    let rates = Rates { requests_per_ip: 1_000, streams_per_ip: 1, seqs_per_ip: 100, ..Rates::default() };
    let server = server(rates, Bounds::default());
    let old = stream(1, r#""at":[0,5]"#, 0..5);
    assert_eq!(server.post(&old).status, 204);
    let honest = beside_honest_traffic(&server, || {
        for number in 0..300 {
            let forged =
                stream(10_000 + number, r#""at":[0,2000000000],"lost":[[0,1999999999,"queue_full"]]"#, 0..1);
            let status = post(&server, forged.as_bytes());
            // The first has a full bucket: an honest page may have kept that much.
            assert_eq!(status, if number == 0 { 204 } else { 429 });
            assert_eq!(post(&server, old.as_bytes()), 204, "a replay is settled");
        }
    });
    let tally = server.collector.tally();
    assert_eq!((tally.accepted, tally.duplicate), (u64::from(honest) + 5 + 1, 300 * 5));
    assert_eq!((tally.rejected, tally.deferred), (0, 0));
}

#[test]
fn an_answer_that_nobody_reads_holds_up_no_other() {
    let _alone = alone();
    let server = server(Rates::default(), Bounds::default());
    beside_honest_traffic(&server, || {
        let mut deaf = server.connect();
        let request =
            format!("POST /collect HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{PLAIN}", PLAIN.len());
        // Pipelined, never read.
        for _ in 0..200 {
            deaf.write_all(request.as_bytes()).expect("a connection");
        }
        assert_eq!(Answer::read(&mut deaf).status, 204);
    });
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}
