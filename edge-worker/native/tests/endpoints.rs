//! Paths of an operator's choice, the SDK from its folder, and what is shown to those who look after the server.

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

use std::{fs, sync::Arc};

use headwater_native::{Endpoints, Options, Paths, Sdk};
use headwater_service::{
    operations,
    server::{self, Bounds},
};
use support::{Answer, FAIL, KEEP, PLAIN, Server};
use tokio::net::TcpListener;

const PIXEL: &str = "eyJzaXRlX2lkIjoic2l0ZS0xMjMiLCJjbGllbnRfaWQiOiJjIiwiZXZlbnRzIjpbeyJ0eXBlIjoib3BlbiIsInRzIjoxNzEwMzIwMDAwfV19";

#[test]
fn only_the_paths_that_were_chosen_are_there() {
    let paths = Paths {
        prefix: "/abc".parse().expect("a path"),
        collect: "/in".parse().expect("a path"),
        pixel: "/dot.gif".parse().expect("a path"),
    };
    let server = Server::start_as(Options::default(), &Endpoints { paths, sdk: None }, Bounds::default());
    let status = |method, path: &str| server.request(method, path, &[], PLAIN.as_bytes()).status;
    assert_eq!(status("POST", "/abc/in"), 204);
    let pixel = server.request("GET", &format!("/abc/dot.gif?events={PIXEL}"), &[], b"");
    assert_eq!(pixel.status_and_ack(), (200, "1"));
    assert_eq!(server.sink.len(), 4);
    for path in ["/collect", "/in", "/abc/collect", "/pixel.gif", "/abc", "/"] {
        assert_eq!(status("POST", path), 404, "{path}");
    }
    assert_eq!(status("GET", "/healthz"), 200);
}

/// Files that name each other as those of sdk-web/dist do.
fn sdk(dir: &std::path::Path, script: &str) -> std::io::Result<Sdk> {
    for (name, text) in [
        ("headwater.iife.js", script),
        ("core.js", "import('./headwater.wasm.js')"),
        ("debug.js", "debug"),
        ("headwater.wasm", "\0asm"),
        ("headwater.wasm.js", "wasm as a script"),
    ] {
        fs::write(dir.join(name), text)?;
    }
    Sdk::read(dir)
}

const SCRIPT: &str =
    r#"load(new URL("core.js",script),new URL("debug.js",script),new URL("headwater.wasm",script))"#;

#[test]
fn the_script_is_served_with_its_parts_under_names_that_never_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let built = sdk(dir.path(), SCRIPT).expect("a build");
    let (path, integrity) = (built.path(), built.integrity().to_owned());
    let paths = Paths { prefix: "/abc".parse().expect("a path"), ..Paths::default() };
    let server =
        Server::start_as(Options::default(), &Endpoints { paths, sdk: Some(built) }, Bounds::default());
    let get = |path: &str, headers: &[(&str, &str)]| server.request("GET", path, headers, b"");

    let script = get("/abc/sdk.js", &[]);
    assert_eq!((script.status, script.header("cache-control")), (200, Some("public, max-age=3600")));
    let named = get(&format!("/abc{path}"), &[]);
    let for_good = Some("public, max-age=31536000, immutable");
    assert_eq!((named.status, named.header("cache-control")), (200, for_good));
    assert_eq!(script.body, named.body);
    assert_eq!(named.header("access-control-allow-origin"), Some("*"), "for the integrity's sake");
    assert!(integrity.starts_with("sha384-") && integrity.len() == 71, "{integrity}");

    // What the script resolves against its own address is there.
    let text = String::from_utf8(named.body).expect("text");
    let folder = path.trim_end_matches(".js").trim_start_matches('/').to_owned();
    for (name, kind) in [
        ("core.js", "text/javascript; charset=utf-8"),
        ("debug.js", "text/javascript; charset=utf-8"),
        ("headwater.wasm", "application/wasm"),
    ] {
        assert!(text.contains(&format!("\"{folder}/{name}\"")), "{text}");
        let part = get(&format!("/abc/{folder}/{name}"), &[]);
        let said = (part.status, part.header("content-type"), part.header("cache-control"));
        assert_eq!(said, (200, Some(kind), for_good), "{name}");
    }
    assert_eq!(get(&format!("/abc/{folder}/headwater.wasm.js"), &[]).body, b"wasm as a script");
    assert_eq!(get(&format!("/abc/{folder}/../secret"), &[]).status, 404);

    let etag = script.header("etag").expect("a tag").to_owned();
    let same = get("/abc/sdk.js", &[("if-none-match", &etag)]);
    assert_eq!((same.status, same.body.len()), (304, 0));
    let packed = get("/abc/sdk.js", &[("accept-encoding", "br, gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.body[..2], [0x1f, 0x8b]);
}

#[test]
fn another_build_has_other_names_and_a_folder_that_is_none_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = sdk(dir.path(), SCRIPT).expect("a build").path();
    fs::write(dir.path().join("headwater.wasm"), "\0asm2").expect("a file");
    assert_ne!(Sdk::read(dir.path()).expect("a build").path(), first, "only its wasm is another");
    let error = sdk(dir.path(), &SCRIPT.replace("core.js", "kernel.js")).expect_err("another version");
    assert!(error.to_string().contains("\"core.js\""), "{error}");
    fs::remove_file(dir.path().join("core.js")).expect("a file");
    assert!(Sdk::read(dir.path()).expect_err("a part is missing").to_string().contains("core.js"));
}

/// What the port of operations says.
fn operations(server: &Server) -> impl Fn(&str) -> Answer {
    let app = operations::router(Arc::new(server.collector.clone()));
    let listener = server.runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("bound");
    server.runtime.spawn(server::serve(listener, app, Bounds::default(), std::future::pending()));
    move |path| Answer::get(address, path)
}

#[test]
fn metrics_count_every_outcome_and_every_refusal() {
    let server = Server::start();
    let ask = operations(&server);
    assert_eq!(server.post(PLAIN).status, 204);
    assert_eq!(server.post("").status, 400);
    assert_eq!(server.post(PLAIN.replace("1710320005", "-1")).status, 200);
    server.request("GET", "/pixel.gif?events=%%%", &[], b"");
    server.sink.set(FAIL);
    assert_eq!(server.post(PLAIN).status, 503);
    server.sink.set(KEEP);
    let metrics = ask("/metrics");
    assert_eq!(metrics.status, 200);
    let text = String::from_utf8(metrics.body).expect("text");
    for line in [
        "headwater_collector_requests_total{path=\"collect\",status=\"204\"} 1",
        "headwater_collector_requests_total{path=\"collect\",status=\"400\"} 1",
        "headwater_collector_requests_total{path=\"collect\",status=\"200\"} 1",
        "headwater_collector_requests_total{path=\"collect\",status=\"503\"} 1",
        "headwater_collector_requests_total{path=\"pixel\",status=\"400\"} 1",
        "headwater_collector_events_total{outcome=\"accepted\"} 5",
        "headwater_collector_events_total{outcome=\"deferred\"} 3",
        "headwater_collector_events_total{outcome=\"duplicate\"} 0",
        "headwater_collector_events_total{outcome=\"filtered\"} 0",
        "headwater_collector_events_total{outcome=\"rejected\"} 1",
        "headwater_collector_request_seconds_count{path=\"collect\"} 4",
        "headwater_collector_seen_ranges 0",
        "headwater_collector_outbox_records 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
    }
    assert_eq!((ask("/healthz").status, ask("/readyz").status), (200, 200));
}
