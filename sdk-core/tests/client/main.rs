//! The client's behaviour, seen from a shell.

mod adoption;
mod answers;
mod faults;
mod leaving;
mod page;
mod queue;
mod server;
mod sessions;
mod storage;
mod world;
