//! Starts the program and speaks HTTP to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// No test waits longer for something that must happen.
const DEADLINE: Duration = Duration::from_mins(1);

/// The plain request of DESIGN.md, byte for byte.
pub(crate) const PLAIN: &str = r##"{"site_id":"site-123","client_id":"anon-uuid","session_id":"sess-uuid",
     "events":[{"type":"pageview","url":"/pricing","ts":1710320000,"referrer":"google.com"},
               {"type":"click","element":"#signup-btn","ts":1710320005},
               {"type":"custom","name":"video_play","props":{"video_id":"v123"},"ts":1710320010}]}"##;

/// A running `headwater serve`, killed when it is dropped.
pub(crate) struct Headwater {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn command(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
    command.env("RUST_LOG", "warn");
    command
}

impl Headwater {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = command(data, more).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).parse().unwrap();
        Self { child, address }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    pub(crate) fn post(&self, body: &str) -> Answer {
        self.request("POST", "/collect", &[("content-type", "text/plain")], body)
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// The one number of a report without groups.
    pub(crate) fn total(&self, site: &str, metric: &str) -> u64 {
        let days = "from=2024-03-01&to=2024-03-31";
        let answer = self.get(&format!("/api/v1/analytics/{site}/report?metric={metric}&{days}"));
        answer.json()["data"][0][metric].as_u64().unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub(crate) fn delivery(&self, site: &str) -> Value {
        self.get(&format!("/api/v1/analytics/{site}/delivery")).json()
    }

    /// Asks until the answer is as wanted.
    pub(crate) fn wait_for<T: PartialEq + std::fmt::Debug>(&self, wanted: &T, ask: impl Fn(&Self) -> T) {
        let start = Instant::now();
        loop {
            let answer = ask(self);
            if answer == *wanted {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "{answer:?} is not {wanted:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal: `-STOP`, `-CONT`, …
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Headwater {
    fn drop(&mut self) {
        // Either may fail because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| *found == name))
            .map(|(_, v)| v)
    }
}
