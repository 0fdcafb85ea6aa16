//! What must hold whatever bytes come in. Each module has one function `run(data)`, which panics where it does
//! not hold, and one `sample(random)`, which makes bytes that lead deep into it. `tests/seeds.rs` runs both over
//! seeds with the stable compiler; `tests/fuzz` gives `run` to libFuzzer.
//!
//! | module | runs |
//! |---|---|
//! | [`client`] | the decisions of the SDK, under a shell that keeps its contract and under one that does not |
//! | [`frame`] | the framing of files |
//! | [`seen`] | de-duplication and its encoding |
//! | [`wire`] | the collector, from a body to the reply |
#![forbid(unsafe_code)]

mod bytes;
pub mod client;
pub mod frame;
pub mod seen;
pub mod wire;
