//! A shell that tells the core anything: nothing may break, no request may be wrong in itself.

use std::collections::BTreeSet;

use headwater_core::{
    client::{
        Client, Config, Decision, Effect, Input, Lane, Limits, Outcome, Purpose, Settings, StreamNo,
        Transport,
    },
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::{Instant, UnixMs},
};

use super::{drain, request};
use crate::bytes::Bytes;

/// Plays until the bytes end.
pub(super) fn play(bytes: &mut Bytes<'_>) {
    let limits = limits(bytes);
    let mut client = Client::new(Config { entropy: [bytes.byte(); 32], limits });
    let (mut told, mut open) = (BTreeSet::new(), BTreeSet::new());
    while !bytes.is_empty() {
        // Any time but the end of time, which stands for never.
        let (now, unix) = (Instant(bytes.long() >> 1), UnixMs(bytes.long()));
        let input = input(bytes);
        match input {
            Input::Appended { stream, seq, .. } | Input::Found { stream, seq, .. } => {
                told.insert((stream, seq));
            }
            Input::Answered { request, .. } => {
                open.remove(&request);
            }
            _ => {}
        }
        let mut tell = |now, input| {
            client.handle(now, unix, input);
            for effect in drain(&mut client) {
                let Effect::Send { request, stream, transport } = effect else { continue };
                let said = request::read(&client, request);
                assert!(said.seqs.iter().all(|&seq| told.contains(&(stream, seq))), "{:?}", said.seqs);
                assert!(transport == Transport::Beacon || open.insert(request), "begun twice");
            }
            assert!(open.len() <= limits.in_flight as usize, "{} in flight: {limits:?}", open.len());
            client.poll_timeout()
        };
        if let Some(at) = tell(now, input) {
            tell(at, Input::Timeout);
        }
    }
}

fn limits(bytes: &mut Bytes<'_>) -> Limits {
    if bytes.flag() {
        return Limits::default();
    }
    Limits {
        queue_bytes: bytes.number(),
        queue_events: bytes.number(),
        max_age_ms: bytes.number(),
        flush_ms: bytes.number(),
        batch_events: bytes.number(),
        batch_bytes: bytes.number(),
        in_flight: bytes.number(),
        leaving_bytes: bytes.number(),
    }
}

fn input(bytes: &mut Bytes<'_>) -> Input {
    let stream = StreamNo(bytes.below(4));
    match bytes.below(30) {
        0 => Input::Adopted { stream },
        1..4 => Input::Answered { request: bytes.number(), outcome: outcome(bytes) },
        4..8 => Input::Appended { stream, seq: seq(bytes), len: bytes.number(), ts: UnixMs(bytes.long()) },
        8 => Input::Consent { purpose: Purpose(bytes.byte()), decision: decision(bytes) },
        9 => Input::Flush,
        10 => Input::Found { stream, seq: seq(bytes), len: bytes.number(), ts: UnixMs(bytes.long()) },
        11 => Input::FoundLoss { stream, from: bytes.number(), to: bytes.number(), reason: reason(bytes) },
        12 => Input::FoundStamp { stream, from: bytes.number(), session: session(bytes).id },
        13 => Input::Gate { until: UnixMs(bytes.long()) },
        14 => Input::Gone { stream, from: bytes.number(), to: bytes.number() },
        15 => {
            if bytes.flag() {
                Input::Hidden
            } else {
                Input::Visible
            }
        }
        16 => Input::Online(bytes.flag()),
        17 => Input::Opened { stream, lane: lane(bytes) },
        18 => Input::Recorded { record: bytes.number() },
        19 => {
            if bytes.flag() {
                Input::Reset
            } else {
                Input::SessionChanged(session(bytes))
            }
        }
        20 => Input::StreamFound { stream, lane: lane(bytes), done: bytes.number(), head: bytes.number() },
        21 => Input::Closed { stream },
        22 => Input::Erase,
        23 => Input::MemoryPressure,
        24 => {
            let verdict = Refusal::ALL[usize::from(bytes.byte()) % Refusal::ALL.len()];
            Input::Refused { stream, verdict, total: bytes.number() }
        }
        25 => Input::Settings(settings(bytes)),
        26 => Input::SettingsChanged(settings(bytes)),
        27 => Input::Visitor { draw: bytes.number() },
        28 => Input::Room { bytes: bytes.number() },
        _ => {
            if bytes.byte() == 0 {
                Input::Terminating
            } else {
                Input::Timeout
            }
        }
    }
}

/// Any name of an event, which `u32::MAX` is not.
fn seq(bytes: &mut Bytes<'_>) -> u32 {
    bytes.number().min(u32::MAX - 1)
}

fn outcome(bytes: &mut Bytes<'_>) -> Outcome {
    if bytes.below(8) == 0 {
        return Outcome::NoAnswer;
    }
    let status = super::shell::STATUSES[bytes.below(12) as usize];
    let ack = bytes.flag().then(|| bytes.number());
    let retry_after = bytes.flag().then(|| bytes.number());
    Outcome::Answer { status, ack, retry_after, time: bytes.flag().then(|| UnixMs(bytes.long())) }
}

fn lane(bytes: &mut Bytes<'_>) -> Lane {
    Lane { purpose: Purpose(bytes.byte()), precious: bytes.flag() }
}

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    Settings {
        sample: bytes.number(),
        calls_per_minute: bytes.number(),
        flush_ms: bytes.number(),
        queue_bytes: bytes.number(),
        stop_ms: bytes.number(),
    }
}

/// Any reason.
pub(super) fn reason(bytes: &mut Bytes<'_>) -> Reason {
    Reason::ALL[usize::from(bytes.byte()) % Reason::ALL.len()]
}

/// Any session.
pub(super) fn session(bytes: &mut Bytes<'_>) -> Session {
    let id = SessionId::from_random([bytes.below(3); 4]);
    Session { last_active: UnixMs(bytes.long()), ..Session::begin(id, UnixMs(bytes.long())) }
}

/// Any decision.
pub(super) fn decision(bytes: &mut Bytes<'_>) -> Decision {
    [Decision::Denied, Decision::Granted, Decision::Unknown][usize::from(bytes.byte()) % 3]
}
