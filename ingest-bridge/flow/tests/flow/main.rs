//! The flow from outside: what it is told, what it wants done.

mod dead_letter;
mod health;
mod host;
mod pressure;
mod property;
mod request;
mod rig;
mod spool;
