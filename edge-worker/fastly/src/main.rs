//! The collector on Fastly Compute: `POST /collect`, `GET /pixel.gif`, `GET /healthz`, a bridge behind.
//!
//! Config store `sites` (key `sites.json`), backend `bridge`, secret store `headwater` (key `BRIDGE_KEY`). An instance
//! answers one request and remembers nothing, so there is no seen cache: copies pass, and the last stage finds them.
//! `README.md` deploys it.

#[cfg(target_os = "wasi")]
mod host;

#[cfg(target_os = "wasi")]
fn main() {
    host::serve();
}

#[cfg(not(target_os = "wasi"))]
fn main() {}
