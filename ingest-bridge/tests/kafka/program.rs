//! The program, as an operator starts it.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::{
    broker::{Topic, signal},
    support::{self, Answer, until},
};

pub(crate) struct Program {
    child: Option<Child>,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
}

impl Program {
    /// Starts it for a topic and waits until it is ready.
    pub(crate) fn start(topic: &Topic, settings: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headwater-bridge"))
            .args(["serve", "--open", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"])
            .args(["--kafka", &topic.broker, "--topic", &topic.name])
            .args(settings)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            let line = lines.next().expect("a line").unwrap();
            line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        let metrics = address("metrics on http://");
        let address = address("listening on http://");
        let program = Self { child: Some(child), address, metrics };
        until("it is ready", || program.operations("/readyz").is_some_and(|(status, _)| status == 200));
        program
    }

    pub(crate) fn post(&self, body: &[u8]) -> Option<Answer> {
        self.post_with(&[], body)
    }

    pub(crate) fn post_with(&self, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        support::try_post(&support::agent(), self.address, headers, body)
    }

    /// The value of one of its gauges.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.operations("/metrics").expect("an answer");
        let prefix = format!("headwater_bridge_{name} ");
        text.lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok()).expect("a gauge")
    }

    /// Waits until nothing is under way and nothing is in the spool.
    pub(crate) fn drained(&self) {
        let gauges = ["spooled_bytes", "in_flight", "held_records"];
        until("it is drained", || gauges.iter().all(|name| self.metric(name) == 0));
    }

    /// SIGTERM, and its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        signal(child.id(), "TERM");
        child.wait().unwrap()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn operations(&self, path: &str) -> Option<(u16, String)> {
        let mut response = support::agent().get(format!("http://{}{path}", self.metrics)).call().ok()?;
        Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}
