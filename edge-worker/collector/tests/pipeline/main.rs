//! The whole pipeline, as a host drives it.

mod common;
mod enriched;
mod forms;
mod outcomes;
mod policies;
mod properties;
mod refusals;
mod sdks;
mod segment;
mod sites;
