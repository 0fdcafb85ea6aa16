//! A broker for tests by hand.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use headwater_rig::kafka::Cluster;
use headwater_rig::stop;

use crate::setup;

/// Runs one until Ctrl-C.
pub(crate) fn run() -> Result<()> {
    stop::listen()?;
    let mut cluster = Cluster::start(setup::for_kafka()?, 1)?;
    println!("HEADWATER_KAFKA={}", cluster.bootstrap());
    while !stop::asked() {
        thread::sleep(Duration::from_millis(100));
    }
    cluster.stop(0)
}
