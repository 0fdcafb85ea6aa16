//! What a worker does around the verbs of [`headwater_collector`], the same on every edge platform: paths, one request
//! from its bytes to its reply, and what waits for a bridge that is away.
//!
//! ```text
//! platform: Request ─→ answer ─→ known? ─→ post ─→ mark ─→ Reply ─→ platform
//!                                            └─ keep (plain form and pixel, when there is an outbox)
//! ```
//!
//! A platform is a [`Host`]: its clock, its place of seen ranges, its way to the bridge, its outbox. It decides nothing
//! about an event.

mod answer;
mod outbox;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    net::IpAddr,
};

pub use answer::{answer, unavailable};
use headwater_collector::{Mark, Place, Sites, StreamKey, Unavailable, bridge::Forwarded};
use headwater_core::ranges::RangeSet;
use headwater_schema::{AGENT_HEADERS, Trace};
pub use outbox::{Sent, send};

/// What is known to be settled of some streams.
pub type Known = HashMap<StreamKey, RangeSet>;

/// A request as the platform read it.
#[derive(Debug, Default)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// From `/` on, without the query.
    pub path: String,
    /// Behind the `?`; empty without one.
    pub query: String,
    /// The `Authorization` header; what is no text is kept as an empty value.
    pub authorization: Option<String>,
    /// The `Origin` header, likewise.
    pub origin: Option<String>,
    /// The trace that the request belongs to.
    pub trace: Option<Trace>,
    /// The address that the platform says it came from.
    pub ip: Option<IpAddr>,
    /// Where the platform says that is.
    pub place: Place,
    /// Those of [`AGENT_HEADERS`] that it has.
    pub agent: BTreeMap<String, String>,
}

/// Asks a platform for each of [`AGENT_HEADERS`].
pub fn agent(header: impl Fn(&'static str) -> Option<String>) -> BTreeMap<String, String> {
    AGENT_HEADERS.into_iter().filter_map(|name| Some((name.to_owned(), header(name)?))).collect()
}

/// A platform.
#[expect(async_fn_in_trait, reason = "each host drives its futures on one thread")]
pub trait Host {
    /// The sites. With an error the request is answered 503.
    async fn sites(&self) -> Result<impl AsRef<Sites>, Unavailable>;

    /// Unix ms.
    fn now_ms(&self) -> i64;

    /// Reads the body, but no more than one byte above `most`. An error says what broke off.
    async fn body(&self, most: usize) -> Result<Vec<u8>, String>;

    /// Posts these lines to the bridge and reads what it says of each.
    async fn post(
        &self,
        lines: Vec<u8>,
        count: usize,
        trace: Option<&Trace>,
    ) -> Result<Forwarded, Unavailable>;

    /// What is known of these streams. May be nothing at any time: copies are harmless.
    fn known(&self, streams: HashSet<StreamKey>) -> impl Future<Output = Known> {
        drop(streams);
        std::future::ready(Known::new())
    }

    /// The bridge has these in that incarnation of its storage. Nobody waits for it.
    fn mark(&self, incarnation: u128, marks: &[Mark]) {
        let _ = (incarnation, marks);
    }

    /// Keeps lines durably until the bridge takes them ([`send`]). Without an outbox an error.
    fn keep(&self, lines: Vec<u8>, why: Unavailable) -> impl Future<Output = Result<(), Unavailable>> {
        drop(lines);
        std::future::ready(Err(why))
    }
}
