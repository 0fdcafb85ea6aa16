//! The collector as a Cloudflare Worker: `POST /collect`, `GET /pixel.gif`, `GET /healthz`, a bridge behind.
//!
//! ```text
//! fetch ─→ headwater-edge ─→ fetch to the bridge
//!               └─→ Shard (a Durable Object with SQLite): seen ranges, outbox
//! ```
//!
//! Bindings: `SITES` (KV, key `sites.json`), `SHARDS` (Durable Object `Shard`), `BRIDGE_URL` (variable) and `BRIDGE_KEY`
//! (secret). `README.md` deploys it.
//!
//! **Invariant:** nothing rests on a Durable Object's seen ranges; what is acknowledged is with the bridge, or in an outbox.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod bridge;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod host;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod io;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod shard;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod sites;
