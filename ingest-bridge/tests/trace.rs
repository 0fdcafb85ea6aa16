//! A trace goes from the request at the edge to the record behind the bridge, and a bad header harms nobody.

mod support;

use std::{net::SocketAddr, sync::Arc};

use headwater_bridge_flow::Trace;
use headwater_collector::Sites;
use headwater_native::{Bridge, Collector, Options, router};
use support::{KEY, Server, agent, bearer, event, post};
use tokio::{net::TcpListener, runtime::Runtime};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const BAD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";

/// The traces of what has arrived.
fn traces(server: &Server) -> Vec<Option<(String, Option<String>)>> {
    let told = |trace: Trace| (trace.parent().to_owned(), trace.state().map(str::to_owned));
    server.memory.traces().into_iter().map(|trace| trace.map(told)).collect()
}

#[test]
fn a_record_has_the_trace_of_its_request() {
    let server = Server::start();
    let key = bearer(KEY);
    let send = |seq, headers: &[(&str, &str)]| {
        let headers = [&[("authorization", &*key)], headers].concat();
        assert_eq!(post(server.address, &headers, event(1, seq).as_bytes()).status, 200, "{headers:?}");
    };
    send(0, &[]);
    send(1, &[("traceparent", PARENT)]);
    send(2, &[("traceparent", PARENT), ("tracestate", "a=1,b=2")]);
    send(3, &[("traceparent", PARENT), ("tracestate", "neither a key nor a value")]);
    send(4, &[("traceparent", BAD), ("tracestate", "a=1")]);
    send(5, &[("traceparent", PARENT), ("traceparent", PARENT)]);
    send(6, &[("traceparent", &"x".repeat(4000))]);
    let of = |state: Option<&str>| Some((PARENT.to_owned(), state.map(str::to_owned)));
    assert_eq!(traces(&server), [None, of(None), of(Some("a=1,b=2")), of(None), None, None, None]);
}

#[test]
fn the_collector_passes_a_trace_on_and_begins_one_where_there_is_none() {
    let server = Server::start();
    let runtime = Runtime::new().expect("threads");
    let bridge = Bridge::new(&format!("http://{}", server.address), Some(KEY)).expect("an address");
    let app = router(Collector::new(Arc::new(Sites::open()), bridge, Options::default()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}/collect", listener.local_addr().expect("bound"));
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    runtime.spawn(axum::serve(listener, service).into_future());
    let send = |headers: &[(&str, &str)]| {
        let mut request = agent().post(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = r#"{"site_id":"s","client_id":"c","events":[{"type":"click","ts":1710320005}]}"#;
        assert_eq!(request.send(body).expect("an answer").status().as_u16(), 204, "{headers:?}");
    };
    send(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    send(&[]);
    send(&[("traceparent", BAD), ("tracestate", "a=1")]);
    let found = traces(&server);
    assert_eq!(found[0], Some((PARENT.to_owned(), Some("a=1".to_owned()))));
    let [Some((second, None)), Some((third, None))] = &found[1..] else { panic!("{found:?}") };
    assert!(second != third && ![second, third].contains(&&BAD.to_owned()), "{found:?}");
}
