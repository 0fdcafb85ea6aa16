//! What a shell in memory does, seen from whoever drives it.

mod adoption;
mod device;
mod faults;
mod journal;
mod seeds;
mod visitor;
