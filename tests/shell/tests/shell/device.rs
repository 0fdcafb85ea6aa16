//! A device with a clock, to write tests with.

use headwater_core::{
    client::{Outcome, Transport},
    time::{Instant, UnixMs},
};
use headwater_test_shell::{Call, Called, Disk, Fact, Happening, Kind, Now, Sent, Setup, Shell};
use serde_json::Value;
use uuid::Uuid;

pub(crate) struct Device {
    pub(crate) disk: Disk,
    pub(crate) setup: Setup,
    pub(crate) now: u64,
    /// What the entropy of its shells is made of.
    pub(crate) seed: u64,
    opened: u8,
}

impl Device {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { disk: Disk::new(kind, 1_000_000), setup: Setup::default(), now: 0, seed: 0, opened: 0 }
    }

    pub(crate) fn at(&self) -> Now {
        Now { mono: Instant(self.now), unix: UnixMs(1_710_320_000_000 + self.now) }
    }

    pub(crate) fn open(&mut self) -> Shell {
        self.opened += 1;
        let at = self.at();
        let mut entropy = [self.opened; 32];
        entropy[..8].copy_from_slice(&self.seed.to_le_bytes());
        Shell::open(&mut self.disk, &self.setup, at, entropy)
    }

    /// Opens a shell that adopts everything there is.
    pub(crate) fn open_and_adopt(&mut self) -> Shell {
        let mut shell = self.open();
        self.adopt(&mut shell, 0);
        shell
    }

    pub(crate) fn adopt(&mut self, shell: &mut Shell, lag: usize) {
        let (view, free, at) = (self.disk.view(lag), self.disk.streams(), self.at());
        shell.adopt(&mut self.disk, &view, at, &free);
    }

    pub(crate) fn call(&mut self, shell: &mut Shell, call: &Call) -> Called {
        self.now += 1;
        let at = self.at();
        shell.call(&mut self.disk, at, call)
    }

    pub(crate) fn track(&mut self, shell: &mut Shell, name: &'static str) -> (Uuid, u32) {
        match self.call(shell, &Call::track(name)) {
            Called::Accepted { stream, seq } => (stream, seq),
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn tell(&mut self, shell: &mut Shell, what: Happening) {
        let at = self.at();
        shell.tell(&mut self.disk, at, what);
    }

    /// Lets time pass, with every timer of this shell.
    pub(crate) fn wait(&mut self, shell: &mut Shell, ms: u64) {
        let end = self.now + ms;
        while let Some(due) = shell.next_at().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tell(shell, Happening::Timeout);
        }
        self.now = end;
    }

    /// Has everything sent, and settles it; returns the names of the events that went.
    pub(crate) fn drain(&mut self, shell: &mut Shell) -> Vec<String> {
        let mut names = Vec::new();
        self.tell(shell, Happening::Flush);
        for _ in 0..100 {
            let sent = shell.take_sends();
            if sent.is_empty() {
                return names;
            }
            for one in sent {
                names
                    .extend(events(&one).iter().map(|event| event["name"].as_str().unwrap_or("").to_owned()));
                self.settle(shell, &one);
            }
            self.tell(shell, Happening::Flush);
        }
        panic!("it never ends");
    }

    pub(crate) fn settle(&mut self, shell: &mut Shell, sent: &Sent) {
        let ack = Some(u32::try_from(sent.seqs.len()).expect("few"));
        if sent.transport != Transport::Beacon {
            let outcome = Outcome::Answer { status: 204, ack, retry_after: None, time: None };
            self.tell(shell, Happening::Answered { request: sent.request, outcome });
        }
    }
}

pub(crate) fn body(sent: &Sent) -> Value {
    serde_json::from_slice(&sent.text).expect("JSON")
}

pub(crate) fn batch(sent: &Sent) -> Value {
    body(sent)["batches"][0].clone()
}

pub(crate) fn events(sent: &Sent) -> Vec<Value> {
    batch(sent)["events"].as_array().expect("events").clone()
}

/// The names of the events that a disk holds, in the order of its streams.
pub(crate) fn kept(disk: &Disk) -> Vec<String> {
    let contents = disk.contents();
    let bodies = contents.values().flat_map(|found| &found.events);
    bodies.map(|(_, body)| name(body)).collect()
}

pub(crate) fn name(body: &[u8]) -> String {
    let text = [b"{", body].concat();
    let event: Value = serde_json::from_slice(&text).expect("JSON");
    event["name"].as_str().unwrap_or("").to_owned()
}

pub(crate) fn accepted(facts: &[Fact]) -> Vec<(Uuid, u32)> {
    let names = facts.iter().filter_map(|fact| match fact {
        Fact::Accepted { stream, seq, .. } => Some((*stream, *seq)),
        _ => None,
    });
    names.collect()
}
