//! A public clickstream that nobody here wrote, sent through the same door as every event, and every total compared
//! with an independent count of the same file (`tests/replay/count.py`).

mod batches;
mod compare;
mod dataset;
mod send;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

pub(crate) use self::compare::Table;

use crate::server::Server;

/// The site that the replay fills.
pub(crate) const SITE: &str = "ecom";

/// The last day of the data, for a link to a dashboard that shows some of it.
pub(crate) const LAST_DAY: &str = "2024-06-29";

/// How the batches are sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Order {
    /// Every batch is sent a second time, as a client does that missed the answer.
    pub(crate) twice: bool,
    /// `Some(seed)`: in a random order.
    pub(crate) shuffled: Option<u64>,
    /// The store holds all of it already and the collector was restarted, so the store itself must remove every event.
    pub(crate) again: bool,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shuffled {
            None => write!(f, "in order")?,
            Some(seed) => write!(f, "shuffled by seed {seed}")?,
        }
        f.write_str(if self.twice { ", every batch twice" } else { "" })?;
        f.write_str(if self.again { ", a second time" } else { "" })
    }
}

/// Replays into a server whose site `ecom` is empty (or, `again`, full) and compares every number.
pub(crate) fn run(root: &Path, server: &mut Server, order: Order) -> Result<Table> {
    let file = dataset::fetch(root)?;
    let streams = dataset::read(&file)?;
    let events: u64 = streams.iter().map(|stream| stream.rows.len() as u64).sum();
    let batches = batches::plan(&streams, order);
    println!("  sending {events} events of {} users in {} requests, {order}", streams.len(), batches.len());
    let begun = Instant::now();
    let sent = send::all(server, &streams, &batches)?;
    println!(
        "  all acknowledged after {:.1} s ({} requests were tried again)",
        begun.elapsed().as_secs_f64(),
        sent.retries
    );
    let delivery = compare::wait_until_counted(server, events, order)?;
    println!("  all counted after {:.1} s", begun.elapsed().as_secs_f64());
    compare::table(root, server, &file, &delivery, order)
}
