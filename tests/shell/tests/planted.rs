//! Each slip of a shell does what it says: a shell without it passes where one with it does not.

use headwater_core::{
    client::Outcome,
    planted::{Bug, plant},
    time::{Instant, UnixMs},
};
use headwater_test_shell::{Call, Called, Disk, Happening, Kind, Now, Setup, Shell};
use uuid::Uuid;

/// A device on which things happen a millisecond apart.
struct Device {
    disk: Disk,
    now: u64,
}

impl Device {
    fn new(kind: Kind) -> Self {
        Self { disk: Disk::new(kind, 1_000_000), now: 0 }
    }

    fn at(&mut self) -> Now {
        self.now += 1;
        Now { mono: Instant(self.now), unix: UnixMs(1_710_320_000_000 + self.now) }
    }

    fn open(&mut self) -> Shell {
        let at = self.at();
        Shell::open(&mut self.disk, &Setup::default(), at, [u8::try_from(at.mono.0).expect("soon"); 32])
    }

    fn adopt(&mut self, shell: &mut Shell, lag: usize) {
        let (view, free, at) = (self.disk.view(lag), self.disk.streams(), self.at());
        shell.adopt(&mut self.disk, &view, at, &free);
    }

    fn call(&mut self, shell: &mut Shell, call: &Call) -> Called {
        let at = self.at();
        shell.call(&mut self.disk, at, call)
    }

    fn track(&mut self, shell: &mut Shell, name: &'static str) -> (Uuid, u32) {
        match self.call(shell, &Call::track(name)) {
            Called::Accepted { stream, seq } => (stream, seq),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Sends and settles everything; returns the requests.
    fn drain(&mut self, shell: &mut Shell) -> String {
        let mut texts = String::new();
        for _ in 0..50 {
            let at = self.at();
            shell.tell(&mut self.disk, at, Happening::Flush);
            for sent in shell.take_sends() {
                texts += &String::from_utf8_lossy(&sent.text);
                let ack = Some(u32::try_from(sent.seqs.len()).expect("few"));
                let outcome = Outcome::Answer { status: 204, ack, retry_after: None, time: None };
                let at = self.at();
                shell.tell(&mut self.disk, at, Happening::Answered { request: sent.request, outcome });
            }
        }
        texts
    }
}

/// Whether it happens with the slip, and not without.
fn breaks(bug: Bug, happens: impl Fn() -> bool) {
    plant(None);
    assert!(!happens(), "{bug:?}: it happens without the slip");
    plant(Some(bug));
    let happened = happens();
    plant(None);
    assert!(happened, "{bug:?}: the slip changes nothing");
}

#[test]
fn an_adopter_that_deletes_what_it_was_not_told_of_loses_it() {
    breaks(Bug::AdopterDeletesUnsent, || stale_adopter_loses(Kind::Web) && stale_adopter_loses(Kind::Phone));
}

#[test]
fn a_rewritten_entry_goes_with_what_an_adopter_knew_of_it() {
    breaks(Bug::JournalKeyRewritten, || stale_adopter_loses(Kind::Web));
}

#[test]
fn a_header_removed_first_leaves_events_that_cannot_be_sent() {
    breaks(Bug::HeaderRemovedFirst, || stale_adopter_loses(Kind::Web));
}

fn stale_adopter_loses(kind: Kind) -> bool {
    let mut device = Device::new(kind);
    let mut owner = device.open();
    for name in ["a", "b", "c"] {
        device.track(&mut owner, name);
    }
    owner.kill();
    let mut stale = device.open();
    device.adopt(&mut stale, 1);
    let first = device.drain(&mut stale);
    let mut next = device.open();
    device.adopt(&mut next, 0);
    !(first + &device.drain(&mut next)).contains("\"name\":\"c\"")
}

#[test]
fn a_shell_that_does_not_notice_a_clear_leaves_events_without_a_header() {
    breaks(Bug::ClearedStorageUnnoticed, || {
        let mut device = Device::new(Kind::Web);
        let mut page = device.open();
        device.track(&mut page, "a");
        device.disk.clear();
        device.track(&mut page, "b");
        page.kill();
        let mut next = device.open();
        device.adopt(&mut next, 0);
        !device.drain(&mut next).contains("\"name\":\"b\"")
    });
}

#[test]
fn a_child_that_keeps_the_stream_gives_two_events_one_name() {
    breaks(Bug::ForkKeepsStream, || {
        let mut device = Device::new(Kind::Phone);
        let mut parent = device.open();
        device.track(&mut parent, "a");
        let at = device.at();
        let mut child = parent.fork(&mut device.disk, at, [200; 32]);
        device.track(&mut parent, "b") == device.track(&mut child, "c")
    });
}

#[test]
fn the_current_identitys_header_changes_whom_an_event_is_about() {
    breaks(Bug::HeaderFromCurrentIdentity, || {
        let mut device = Device::new(Kind::Web);
        let mut page = device.open();
        device.track(&mut page, "a");
        device.call(&mut page, &Call::Identify("ann".into(), vec![]));
        let texts = device.drain(&mut page);
        texts.matches("\"user_id\":\"ann\"").count() == 2
    });
}

#[test]
fn a_seq_that_is_used_again_after_a_failed_write_names_two_events() {
    breaks(Bug::SeqReusedAfterFailedWrite, || {
        let mut device = Device::new(Kind::Web);
        let mut page = device.open();
        device.track(&mut page, "a");
        device.disk.fill(true);
        let failed = device.track(&mut page, "b");
        device.disk.fill(false);
        failed == device.track(&mut page, "c")
    });
}

#[test]
fn a_stream_that_is_continued_makes_two_events_of_one_name_on_a_clone() {
    breaks(Bug::StreamContinued, || {
        let mut device = Device::new(Kind::Web);
        let mut page = device.open();
        device.track(&mut page, "a");
        page.kill();
        let mut clone = Device { disk: device.disk.copy(), now: device.now + 50 };
        let (mut one, mut other) = (device.open(), clone.open());
        device.track(&mut one, "b") == clone.track(&mut other, "c")
    });
}

#[test]
fn a_torn_tail_that_is_accepted_sends_half_an_event() {
    breaks(Bug::TornTailAccepted, || {
        let mut device = Device::new(Kind::Phone);
        let mut app = device.open();
        device.track(&mut app, "a");
        device.disk.kill_at(1, 70);
        device.call(&mut app, &Call::track("b"));
        let mut next = device.open();
        device.adopt(&mut next, 0);
        device.drain(&mut next).contains("\"seq\":1")
    });
}
