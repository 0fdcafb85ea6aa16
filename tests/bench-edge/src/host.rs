//! The native server without its socket: axum's router, limits, metrics and inspector around the pipeline.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use headwater_bench_core::meter::Meter;
use headwater_collector::{Sites, Unavailable};
use headwater_native::{Collector, Forward, Forwarded, Options, Rates, Trace, router};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

pub(crate) const BATCH: &str = "native server's router, per event of 50";
pub(crate) const ONE: &str = "native server's router, one event a request";

/// Takes everything at once.
struct Sink;

impl Forward for Sink {
    async fn forward(&self, _: Vec<Vec<u8>>, _: Option<Trace>) -> Result<Forwarded, Unavailable> {
        Ok(Forwarded::all(1))
    }
}

pub(crate) struct Host {
    app: Router,
    runtime: Runtime,
}

impl Host {
    /// With every limit in place and so high that nothing is refused.
    pub(crate) fn new() -> Self {
        let high = u32::MAX / 100;
        let rates =
            Rates { requests_per_ip: high, requests_per_key: high, streams_per_ip: high, seqs_per_ip: high };
        let options = Options { rates, ..Options::default() };
        let app = router(Collector::new(Arc::new(Sites::open()), Sink, options));
        // The allocations of one thread are counted, so all must be on this one.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { app, runtime }
    }

    pub(crate) fn round<M: Meter>(
        &self,
        meter: &mut M,
        name: &'static str,
        events: usize,
        bodies: Vec<Vec<u8>>,
    ) {
        let peer: SocketAddr = ([203, 0, 113, 77], 4711).into();
        let requests: Vec<_> = bodies
            .into_iter()
            .map(|body| {
                let request = Request::post("/collect").header("content-length", body.len());
                let mut request = request.body(Body::from(body)).expect("a request");
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            })
            .collect();
        meter.span(name, events, || {
            self.runtime.block_on(async {
                for request in requests {
                    let answer = self.app.clone().oneshot(request).await.expect("infallible");
                    assert_eq!(answer.status(), 204);
                }
            });
        });
    }
}
