//! The client's behaviour, seen from a shell.

mod adoption;
mod age;
mod answers;
mod closing;
mod consent;
mod lanes;
mod leaving;
mod page;
#[cfg(feature = "planted")]
mod planted;
mod queue;
mod refused;
mod scale;
mod sessions;
mod settings;
#[cfg(feature = "trace")]
mod trace;
