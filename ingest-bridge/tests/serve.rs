//! Answers wait for the sink, pressure is answered, and a stop ends in order.

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
};

use support::{KEY, Server, bearer, event, post, until};

#[test]
fn an_answer_waits_for_the_sink() {
    let server = Server::start();
    server.memory.hold(true);
    let address = server.address;
    let sender =
        thread::spawn(move || post(address, &[("authorization", &bearer(KEY))], event(1, 1).as_bytes()));
    until("the sink has it", || server.memory.held() == 1);
    assert!(!sender.is_finished());
    server.memory.hold(false);
    let answer = sender.join().unwrap();
    assert_eq!((answer.status, answer.ack.as_deref()), (200, Some("1")));
}

#[test]
fn a_stop_answers_what_is_under_way_and_refuses_what_is_new() {
    let mut server = Server::start();
    server.memory.hold(true);
    let (address, memory) = (server.address, server.memory.clone());
    let send = move |seq| post(address, &[("authorization", &bearer(KEY))], event(1, seq).as_bytes());
    let early = thread::spawn(move || send(1));
    until("the sink has it", || server.memory.held() == 1);
    let metrics = server.metrics;
    let rest = thread::spawn(move || {
        until("it says that it stops", || {
            let ready = support::agent().get(format!("http://{metrics}/readyz")).call().expect("an answer");
            ready.status().as_u16() == 503
        });
        let late = send(2);
        memory.hold(false);
        late
    });
    server.stop().expect("in time");
    let late = rest.join().unwrap();
    assert_eq!((late.status, late.retry_after.as_deref(), late.ack.as_deref()), (503, Some("1"), Some("0")));
    assert_eq!(late.results(), ["retry: stopping"]);
    assert_eq!(early.join().unwrap().status, 200);
    assert_eq!(server.memory.events(), [event(1, 1)]);
}

#[test]
fn what_has_no_outcome_in_time_is_sent_again() {
    let config = "listen = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nopen = true\n\
        [http]\nanswer_within_ms = 2000\n[kafka]\nmessage_timeout_ms = 1000\n[sink]\nkind = \"memory\"";
    let server = Server::with(config);
    server.memory.hold(true);
    let answer = server.post(&[], event(1, 1).as_bytes());
    assert_eq!((answer.status, answer.results()), (503, vec!["retry: late".to_owned()]));
}

#[test]
fn above_the_mark_senders_are_told_to_wait() {
    let config = "listen = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nopen = true\n\
        [limits]\nmax_messages = 10\n[sink]\nkind = \"memory\"";
    let server = Server::with(config);
    server.memory.hold(true);
    let address = server.address;
    let first = thread::spawn(move || {
        let many: Vec<String> = (0..8).map(|seq| event(1, seq)).collect();
        post(address, &[], many.join("\n").as_bytes())
    });
    until("it is full", || server.memory.held() == 8);
    let answer = server.post(&[], event(2, 0).as_bytes());
    assert_eq!((answer.status, answer.results()), (503, vec!["retry: busy".to_owned()]));
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
    server.memory.hold(false);
    assert_eq!(first.join().unwrap().status, 200);
}

#[test]
fn who_hangs_up_loses_nothing() {
    let server = Server::start();
    server.memory.hold(true);
    let body = event(1, 1);
    let mut socket = TcpStream::connect(server.address).unwrap();
    let head = format!("POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n", bearer(KEY));
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    until("the sink has it", || server.memory.held() == 1);
    drop(socket);
    until("nobody waits", || server.operations("/metrics").1.contains("headwater_bridge_open_requests 0"));
    server.memory.hold(false);
    until("it arrived", || server.memory.events() == [body.clone()]);
}

#[test]
fn http_2_is_spoken() {
    let server = Server::start();
    let mut socket = TcpStream::connect(server.address).unwrap();
    // The preface and an empty SETTINGS frame; a server of HTTP/2 begins with its own SETTINGS.
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "a SETTINGS frame: {frame:?}");
}

#[test]
fn health_and_metrics_tell() {
    let server = Server::start();
    server.post(&[("authorization", &bearer(KEY))], event(1, 1).as_bytes());
    assert_eq!(server.operations("/healthz").0, 200);
    let (status, text) = server.operations("/metrics");
    assert_eq!(status, 200);
    for line in [
        "headwater_bridge_requests_total{status=\"200\"} 1",
        "headwater_bridge_records_total{outcome=\"accepted\",reason=\"\"} 1",
        "headwater_bridge_produced_total{result=\"ok\"} 1",
        "headwater_bridge_producers_total 1",
        "headwater_bridge_spool_open 1",
        "headwater_bridge_down 0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
    }
}
