//! What one sender may send, and by which address it is told from others.

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

use headwater_native::{Endpoints, Options, Proxies, Rates};
use headwater_service::server::Bounds;
use support::{PLAIN, Server, stream};

fn server(rates: Rates, proxies: Proxies) -> Server {
    let options = Options { rates, proxies, ..Options::default() };
    Server::start_as(options, &Endpoints::default(), Bounds::default())
}

/// One proxy, on this machine.
fn behind_a_proxy() -> Proxies {
    Proxies { trusted: vec!["127.0.0.0/8".parse().expect("a network")], ..Proxies::default() }
}

#[test]
fn too_many_requests_are_429_with_a_time_to_come_back_which_a_page_may_read() {
    let server = server(Rates { requests_per_ip: 1, ..Rates::default() }, behind_a_proxy());
    let post = |from: &str, more: &[(&str, &str)]| {
        let headers = [&[("x-forwarded-for", from), ("origin", "https://shop.example")], more].concat();
        server.request("POST", "/collect", &headers, PLAIN.as_bytes())
    };
    // One comes back each second, however slow this machine is.
    let refused = |from: &str, more: &[(&str, &str)]| {
        let mut answers = (0..1_000).map(|_| post(from, more));
        answers.find(|answer| answer.status == 429).expect("more than ten at once are refused")
    };
    let refused_once = refused("203.0.113.1", &[]);
    assert_eq!((refused_once.header("hw-ack"), refused_once.header("retry-after")), (Some("0"), Some("1")));
    assert_eq!(refused_once.json()["error"], "rate_limited");
    assert_eq!(refused_once.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(refused_once.header("access-control-expose-headers"), Some("hw-ack, hw-time, retry-after"));

    assert_eq!(post("203.0.113.2", &[]).status, 204, "another address");
    // The proxy appends what it sees; what the sender writes before it stands left of it.
    for spoofed in ["8.8.8.8, 203.0.113.1", "203.0.113.2,127.0.0.1,203.0.113.1"] {
        refused(spoofed, &[]);
    }
    refused("203.0.113.1", &[("authorization", "Bearer guess")]);
    assert_eq!(post("203.0.113.3", &[("authorization", "Bearer key-1")]).status, 204);
    assert_eq!(post("203.0.113.1", &[("authorization", "Bearer key-1")]).status, 204, "a key that was right");
    let image = server.request("GET", "/pixel.gif?events=e30", &[("x-forwarded-for", "203.0.113.1")], b"");
    assert_eq!(image.status_and_ack(), (200, "0"));
}

#[test]
fn who_is_no_trusted_proxy_speaks_for_himself() {
    let server = server(Rates { requests_per_ip: 1, ..Rates::default() }, Proxies::default());
    let post = |number: u32| {
        let spoofed = format!("203.0.113.{number}");
        server.request("POST", "/collect", &[("x-forwarded-for", &spoofed)], PLAIN.as_bytes()).status
    };
    assert!((0..1_000).any(|number| post(number % 256) == 429));
}

#[test]
fn an_event_has_the_address_of_the_client_behind_the_proxies() {
    let server = server(Rates::default(), behind_a_proxy());
    let headers = &[("x-forwarded-for", "8.8.8.8, 203.0.113.77, 127.0.0.9")];
    server.request("POST", "/collect", headers, PLAIN.as_bytes());
    assert_eq!(server.sink.take_events()[0].ip.as_deref(), Some("203.0.113.0"));
}

#[test]
fn a_forger_of_streams_jumps_and_losses_is_held_up_and_a_known_stream_goes_on() {
    let rates = Rates { streams_per_ip: 1, seqs_per_ip: 100, ..Rates::default() };
    let server = server(rates, Proxies::default());
    let honest = |seq: u32| server.post(stream(7, &format!(r#""at":[{seq},{seq}]"#), seq..seq + 1));
    assert_eq!(honest(0).status, 204);

    let forged: Vec<_> = (0..200).map(|number| server.post(stream(1_000 + number, "", 0..1))).collect();
    let refused = forged.iter().find(|answer| answer.status == 429).expect("new streams without end");
    assert_eq!(refused.message(), "too many new streams from this address");
    assert_eq!(honest(1).status, 204);

    let jump = |head: u32| server.post(stream(7, &format!(r#""at":[0,{head}]"#), 0..0));
    assert_eq!(jump(9_000).status, 204, "as much as a page may have kept");
    assert_eq!(jump(2_000_000_000).status, 429);
    assert_eq!(server.post(stream(7, r#""lost":[[0,8999,"queue_full"]]"#, 0..0)).status, 429);
    let rejected = server.collector.tally().rejected;
    assert_eq!(rejected, 0, "whatever is held up may come again");
}

#[test]
fn a_back_end_with_its_key_is_believed() {
    let server = server(Rates { streams_per_ip: 1, seqs_per_ip: 1, ..Rates::default() }, Proxies::default());
    for number in 0..200 {
        let body = stream(number, r#""at":[0,1000000]"#, 0..1);
        let answer =
            server.request("POST", "/collect", &[("authorization", "Bearer key-1")], body.as_bytes());
        assert_eq!(answer.status, 204);
    }
}
