//! A real schema registry on loopback, which forgets everything when it ends.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headwater_rig::{apart, free_ports, stop, tail};
use tempfile::TempDir;

use crate::setup::registry::Registry;

/// A start takes some 16 s on a quiet machine.
const START_LIMIT: Duration = Duration::from_mins(4);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running registry. Dropping it kills it.
pub(crate) struct Server {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts one on a port that the system chooses, and waits until it answers.
    pub(crate) fn start(registry: &Registry) -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary directory")?;
        let ports = free_ports(2)?;
        let (port, management) = (ports[0], ports[1]);
        let output = File::create(folder.path().join("out.log"))?;
        let mut command = Command::new(&registry.java);
        command.arg("-Xmx512m").arg("-jar").arg(&registry.jar).current_dir(&registry.folder);
        command.env("APICURIO_STORAGE_KIND", "sql").env("APICURIO_STORAGE_SQL_KIND", "h2");
        command.env("QUARKUS_HTTP_HOST", "127.0.0.1").env("QUARKUS_HTTP_PORT", port.to_string());
        command.env("QUARKUS_MANAGEMENT_HOST", "127.0.0.1");
        command.env("QUARKUS_MANAGEMENT_PORT", management.to_string());
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        apart(&mut command);
        let child = command.spawn().context("cannot start java")?;
        let mut server = Self { child: Some(child), port, folder };
        server.wait_ready()?;
        Ok(server)
    }

    /// Of the API that Confluent's clients speak.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        stop::gently(&mut child, STOP_LIMIT).map(drop)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let url = format!("{}/subjects", self.url());
        loop {
            if ureq::get(&url).call().is_ok() {
                return Ok(());
            }
            let ended = self.child.as_mut().map_or(Ok(None), Child::try_wait)?;
            let said = || tail(&self.folder.path().join("out.log"), 20);
            if let Some(status) = ended {
                bail!("the schema registry ended ({status}):\n{}", said());
            }
            if begun.elapsed() > START_LIMIT {
                bail!("the schema registry did not become ready:\n{}", said());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
