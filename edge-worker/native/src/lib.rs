//! The collector as a part of a native server: an axum [`Router`](axum::Router) with `/collect`,
//! `/pixel.gif`, `/healthz` and Segment's `/v1/…`, for a program that gives it the way to the stage behind.
//!
//! ```no_run
//! # use std::{future::Future, net::SocketAddr, sync::Arc};
//! use headwater_collector::{Sites, Unavailable};
//! use headwater_native::{Collector, Forward, Forwarded, Options, Trace, router};
//!
//! struct Log;
//!
//! impl Forward for Log {
//!     async fn forward(&self, records: Vec<Vec<u8>>, _: Option<Trace>) -> Result<Forwarded, Unavailable> {
//!         // … append, fsync, and only then:
//!         Ok(Forwarded::all(1))
//!     }
//! }
//!
//! # async fn serve() -> std::io::Result<()> {
//! let collector = Collector::new(Arc::new(Sites::open()), Log, Options::default());
//! let service = router(collector).into_make_service_with_connect_info::<SocketAddr>();
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?, service).await
//! # }
//! ```
//!
//! It reads requests within bounds of bytes and time, and calls the verbs of [`headwater_collector`], which
//! decide everything. The address of the peer is taken from
//! [`ConnectInfo`](axum::extract::ConnectInfo); a header of a proxy is believed only from [`Proxies`] that are named.
//!
//! **Invariant, bounds:** what requests hold together is at most [`limits::IN_FLIGHT_BYTES`] beside one
//! request per core that is being unpacked; beyond, 503 with `Retry-After`.
//!
//! **Invariant:** a request that was read is carried to its end even if its sender hangs up, and a panic in
//! one is answered 500 and touches no other.

mod address;
mod answer;
mod bridge;
mod forward;
mod host;
mod inspector;
mod limiter;
pub mod limits;
mod metrics;
mod outbox;
mod paths;
mod place;
mod routes;
mod salts;
mod sdk;
pub mod settings;
mod sites;

pub use address::{ForwardedHeader, Proxies};
pub use bridge::{Bridge, BridgeUrlError};
pub use forward::Forward;
/// The answer of the stage behind.
pub use headwater_collector::bridge::Forwarded;
/// The type of a request's trace.
pub use headwater_schema::Trace;
pub use host::{Collector, Options};
pub use limiter::Rates;
pub use outbox::Outbox;
pub use paths::{PathError, PathName, Paths, Prefix};
pub use place::Places;
pub use routes::{Endpoints, router, router_at};
pub use salts::IpSalts;
pub use sdk::Sdk;
pub use sites::{LiveSites, SitesFile, Watcher};
