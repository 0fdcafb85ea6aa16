//! The collector as a pipeline of verbs. It names no platform, waits for nothing and does no I/O: a host
//! reads the request, calls the verbs, carries the records to the stage behind, and sends the reply.
//!
//! ```text
//! inflate → decode → authorise → admit → look_up → enrich → forward ─→ (host: append, fsync) ─→ answered → reply
//!    400/413   400       401/403   413/422                                             marks for the seen cache
//! ```
//!
//! Each verb takes the value of the verb before it, so that an event cannot be forwarded before it was
//! admitted, nor acknowledged before it was forwarded:
//!
//! ```
//! use headwater_collector::{
//!     Credentials, SeenCache, Sites, Surroundings, decode, inflate,
//! };
//!
//! let body = br#"{"site_id":"s","client_id":"c","events":[{"type":"pageview","url":"/","ts":1710320000}]}"#;
//! let sites = Sites::open();
//! let mut seen = SeenCache::default();
//!
//! let text = inflate(body)?;
//! let mut forwarding = decode(&text)?
//!     .authorise(&sites, &Credentials::default())?
//!     .admit(1_710_320_000_100)?
//!     .look_up(|stream, seq| seen.contains(stream, seq))
//!     .enrich(Surroundings::default())
//!     .forward();
//! let records = forwarding.take_records();
//! assert_eq!(records.len(), 1);
//! // … the host makes the records durable, and only then:
//! let answered = forwarding.answered(Ok(()));
//! seen.mark(answered.marks());
//! let mut reply = answered.reply();
//! reply.set_time(1_710_320_000_140);
//! assert_eq!((reply.status, reply.header("hw-ack")), (204, Some("1")));
//! # Ok::<(), headwater_collector::Refusal>(())
//! ```
//!
//! **Invariant, conservation:** events in = accepted + deferred + duplicate + filtered + rejected
//! ([`Tally`]), asserted in debug builds. What is dropped from a settled request is in the records, as a
//! ledger entry; a request that is refused as a whole writes nothing.
//!
//! **Invariant, bounds:** no input makes this crate recurse, and none makes it hold more than
//! [`limits::INFLATED_BYTES`] of text beside what [`limits`] allows per event.
//!
//! Where a new wire field goes: `decode/wire.rs`, and from there `enrich`. A new outcome: [`Tally`]. A new
//! refusal: [`RefusalKind`]. A rule of a site: `sites/rules.rs`; why it drops an event: `cause.rs`.

mod address;
mod admit;
mod authorise;
pub mod bridge;
mod cause;
mod claims;
mod clock;
mod context;
pub mod cors;
mod date;
mod decode;
mod enrich;
mod forward;
mod inflate;
mod inspect;
pub mod limits;
mod look_up;
mod mark;
mod name;
pub mod paths;
pub mod pixel;
mod referrer;
mod refuse;
mod reply;
mod scrub;
mod seen_cache;
pub mod segment;
mod settings;
mod shape;
mod sites;
mod tally;
mod word;

pub use address::IpSalt;
pub use admit::Admitted;
pub use authorise::{Authorised, Credentials, bearer};
pub use claims::Claim;
pub use decode::{Decoded, decode};
pub use enrich::{Enriched, Place, Program, Surroundings};
pub use forward::{Answered, Forwarding, Unavailable};
pub use inflate::inflate;
pub use inspect::{Inspected, Outcome};
pub use look_up::Fresh;
pub use mark::Mark;
pub use refuse::{Refusal, RefusalKind};
pub use reply::Reply;
pub use seen_cache::{SeenCache, StreamKey};
pub use sites::{ConfigError, ReadAccess, Sites};
pub use tally::Tally;
