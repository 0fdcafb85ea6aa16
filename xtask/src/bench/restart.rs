//! `kill -9` with a filled store and events still on their way, then the time until it is ready again.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load::{self, CONNECTIONS};
use super::{Results, service};
use crate::server::Server;

const SITE: &str = "restart";
const BATCH: u64 = 50;
/// Sent right before the kill, so that the log holds what the store has not.
const TAIL: u64 = 20;

pub(super) fn measure(program: &Path, events: u64, results: &mut Results) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let mut server = Server::start(program, &data, 0)?;
    let each = events.div_ceil(BATCH * CONNECTIONS as u64);
    let none = AtomicU64::new(0);
    let mut sent =
        load::run(&server.api_url(), &load::batches(SITE, BATCH, each, service::now()), &none)?.events;
    wait_for(&server, sent)?;
    sent += load::run(&server.api_url(), &load::batches(SITE, BATCH, TAIL, service::now()), &none)?.events;
    server.kill()?;

    let begun = Instant::now();
    server = Server::start(program, &data, 0)?;
    let ready = begun.elapsed();
    wait_for(&server, sent)?;
    let counted = begun.elapsed();
    server.stop()?;
    results.add("events in the store at kill -9", sent, "");
    results.add("kill -9 to ready", ready.as_secs_f64() * 1000.0, "ms");
    results.add("kill -9 to all acknowledged events counted", counted.as_secs_f64() * 1000.0, "ms");
    Ok(())
}

fn wait_for(server: &Server, events: u64) -> Result<()> {
    let (http, begun) = (server.api(), Instant::now());
    loop {
        let counted = service::counted(&http, SITE)?;
        if counted == events {
            return Ok(());
        }
        if counted > events || begun.elapsed() > Duration::from_mins(5) {
            bail!("{counted} events are counted, {events} were acknowledged");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
