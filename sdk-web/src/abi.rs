//! Inputs and effects as 32-bit numbers. The tables stand once more in `ts/wasm.ts`; numbers are never reused, since
//! journals keep those of reasons, sessions and gates.
//!
//! A time takes two numbers, the higher half first: then nothing is ever converted between integers and floats.

#![expect(clippy::many_single_char_names, reason = "positions: the kind gives meaning")]

use headwater_core::{
    client::{Decision, Effect, Input, Lane, Outcome, Purpose, Settings, StreamNo, Transport},
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::{Instant, UnixMs},
};

/// An effect's kind, 0 for none, and its arguments.
pub type Words = [u32; 9];

/// Stands for "none" where a number may be missing.
const NONE: u32 = u32::MAX;

/// The input that `kind` and `args` say, or `None` if this version knows no such kind.
#[must_use]
pub fn input(kind: u32, args: [u32; 8]) -> Option<Input> {
    let mut input = Input::Timeout;
    read(kind, args, &mut input)?;
    Some(input)
}

/// Writes in place: a value put together from all arms would be taken apart byte by byte, in half a kilobyte of code.
#[inline(never)]
fn read(kind: u32, args: [u32; 8], input: &mut Input) -> Option<()> {
    let [a, b, c, d, e, f, g, h] = args;
    let stream = StreamNo(a);
    match kind {
        1 => *input = Input::Adopted { stream },
        2 => *input = Input::Appended { stream, seq: b, len: c, ts: time(d, e) },
        3 => *input = Input::Answered { request: a, outcome: outcome(b, c, d, time(e, f)) },
        4 => *input = Input::Consent { purpose: purpose(a)?, decision: decision(b)? },
        5 => *input = Input::Flush,
        6 => *input = Input::Found { stream, seq: b, len: c, ts: time(d, e) },
        7 => *input = Input::FoundLoss { stream, from: b, to: c, reason: reason(d)? },
        8 => *input = Input::FoundStamp { stream, from: b, session: SessionId::from_words([c, d, e, f]) },
        9 => *input = Input::Gate { until: time(a, b) },
        10 => *input = Input::Gone { stream, from: b, to: c },
        11 => *input = Input::Hidden,
        12 => *input = Input::Online(a != 0),
        13 => *input = Input::Opened { stream, lane: lane(b, c)? },
        14 => *input = Input::Recorded { record: a },
        15 => *input = Input::Reset,
        16 => {
            let id = SessionId::from_words([a, b, c, d]);
            let session = Session { id, started: time(e, f), last_active: time(g, h) };
            *input = Input::SessionChanged(session);
        }
        17 => *input = Input::StreamFound { stream, done: b, head: c, lane: lane(d, e)? },
        18 => *input = Input::Terminating,
        19 => *input = Input::Timeout,
        20 => *input = Input::Visible,
        21 => *input = Input::Closed { stream },
        22 => *input = Input::Erase,
        23 => *input = Input::MemoryPressure,
        24 => *input = Input::Refused { stream, verdict: refusal(b)?, total: c },
        25 => *input = Input::Settings(settings([a, b, c, d, e])),
        26 => *input = Input::SettingsChanged(settings([a, b, c, d, e])),
        27 => *input = Input::Visitor { draw: a },
        28 => *input = Input::Room { bytes: a },
        _ => return None,
    }
    Some(())
}

/// What `effect` says to the shell; without one, when to wake the core (no number: not before the next input).
#[must_use]
pub fn effect(effect: Option<Effect>, timeout: Option<Instant>) -> Words {
    match effect {
        None => {
            let [a, b] = timeout.map_or([NONE; 2], |at| halves(at.0));
            [0, a, b, 0, 0, 0, 0, 0, 0]
        }
        Some(Effect::Forget { stream, from, to }) => [1, stream.0, from, to, 0, 0, 0, 0, 0],
        Some(Effect::ForgetRecord { record, stream }) => [2, record, stream.0, 0, 0, 0, 0, 0, 0],
        Some(Effect::ForgetStream { stream }) => [3, stream.0, 0, 0, 0, 0, 0, 0, 0],
        Some(Effect::Record { record, stream, from, to, reason }) => {
            [4, record, stream.0, from, to, number(reason), 0, 0, 0]
        }
        Some(Effect::SaveGate { until }) => {
            let [a, b] = halves(until.0);
            [5, a, b, 0, 0, 0, 0, 0, 0]
        }
        Some(Effect::SaveSession(session)) => {
            let [a, b, c, d] = session.id.words();
            let ([e, f], [g, h]) = (halves(session.started.0), halves(session.last_active.0));
            [6, a, b, c, d, e, f, g, h]
        }
        Some(Effect::Send { request, stream, transport }) => {
            let transport = match transport {
                Transport::Beacon => 0,
                Transport::Fetch => 1,
                Transport::Keepalive => 2,
            };
            [7, request, stream.0, transport, 0, 0, 0, 0, 0]
        }
        Some(Effect::Stamp { stream, from, session }) => {
            let [a, b, c, d] = session.words();
            [8, stream.0, from, a, b, c, d, 0, 0]
        }
        Some(Effect::Refuse { verdict, until }) => {
            let [a, b] = halves(until.0);
            [9, verdict.map_or(0, refusal_number), a, b, 0, 0, 0, 0, 0]
        }
        Some(Effect::SaveSettings(settings)) => {
            let Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms } = settings;
            [10, sample, calls_per_minute, flush_ms, queue_bytes, stop_ms, 0, 0, 0]
        }
        Some(Effect::Erase) => [11, 0, 0, 0, 0, 0, 0, 0, 0],
    }
}

fn outcome(status: u32, ack: u32, retry_after: u32, time: UnixMs) -> Outcome {
    if status == 0 {
        return Outcome::NoAnswer;
    }
    let present = |number: u32| (number != NONE).then_some(number);
    let status = u16::try_from(status).unwrap_or(u16::MAX);
    let time = (time.0 > 0).then_some(time);
    Outcome::Answer { status, ack: present(ack), retry_after: present(retry_after), time }
}

fn purpose(of: u32) -> Option<Purpose> {
    u8::try_from(of).ok().filter(|no| *no < 32).map(Purpose)
}

fn lane(of: u32, precious: u32) -> Option<Lane> {
    Some(Lane { purpose: purpose(of)?, precious: precious != 0 })
}

fn decision(of: u32) -> Option<Decision> {
    [Decision::Denied, Decision::Granted, Decision::Unknown].get(of as usize).copied()
}

fn settings([sample, calls_per_minute, flush_ms, queue_bytes, stop_ms]: [u32; 5]) -> Settings {
    Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms }
}

/// By their numbers, from 1 on.
const REFUSALS: [Refusal; 7] = [
    Refusal::Consent,
    Refusal::Invalid,
    Refusal::Plugin,
    Refusal::RateCap,
    Refusal::Sampled,
    Refusal::Stopped,
    Refusal::Waiting,
];

fn refusal(of: u32) -> Option<Refusal> {
    REFUSALS.get((of as usize).wrapping_sub(1)).copied()
}

const fn refusal_number(refusal: Refusal) -> u32 {
    match refusal {
        Refusal::Consent => 1,
        Refusal::Invalid => 2,
        Refusal::Plugin => 3,
        Refusal::RateCap => 4,
        Refusal::Sampled => 5,
        Refusal::Stopped => 6,
        Refusal::Waiting => 7,
    }
}

fn time(high: u32, low: u32) -> UnixMs {
    UnixMs(u64::from(high) << 32 | u64::from(low))
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
const fn halves(time: u64) -> [u32; 2] {
    [(time >> 32) as u32, time as u32]
}

const fn number(reason: Reason) -> u32 {
    match reason {
        Reason::Consent => 1,
        Reason::DeadLetter => 2,
        Reason::Filtered => 3,
        Reason::QueueFull => 4,
        Reason::Rejected => 5,
        Reason::Stopped => 6,
        Reason::Storage => 7,
        Reason::TooManyGaps => 8,
        Reason::TooOld => 9,
        Reason::Vanished => 10,
    }
}

/// By their numbers, from 1 on.
const REASONS: [Reason; 10] = [
    Reason::Consent,
    Reason::DeadLetter,
    Reason::Filtered,
    Reason::QueueFull,
    Reason::Rejected,
    Reason::Stopped,
    Reason::Storage,
    Reason::TooManyGaps,
    Reason::TooOld,
    Reason::Vanished,
];

fn reason(of: u32) -> Option<Reason> {
    REASONS.get((of as usize).wrapping_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_and_refusal_has_a_number_of_its_own_and_is_read_back() {
        for kind in Reason::ALL {
            assert_eq!(reason(number(kind)), Some(kind));
        }
        assert_eq!(reason(0), None);
        for kind in Refusal::ALL {
            assert_eq!(refusal(refusal_number(kind)), Some(kind));
        }
        assert_eq!(refusal(0), None);
    }

    #[test]
    fn an_unknown_kind_or_reason_says_nothing() {
        assert_eq!(input(0, [0; 8]), None);
        assert_eq!(input(29, [0; 8]), None);
        assert_eq!(input(7, [0, 0, 1, 99, 0, 0, 0, 0]), None);
    }

    #[test]
    fn a_time_crosses_the_border_in_two_halves() {
        let until = UnixMs(1_710_320_000_123);
        let [kind, args @ ..] = effect(Some(Effect::SaveGate { until }), None);
        assert_eq!(kind, 5);
        assert_eq!(input(9, args), Some(Input::Gate { until }));
    }

    #[test]
    fn an_answer_without_a_status_is_no_answer() {
        let answered = |args| match input(3, args) {
            Some(Input::Answered { request: 7, outcome }) => outcome,
            other => panic!("{other:?}"),
        };
        assert_eq!(answered([7, 0, NONE, NONE, 0, 0, 0, 0]), Outcome::NoAnswer);
        assert_eq!(
            answered([7, 204, 0, NONE, 0, 0, 0, 0]),
            Outcome::Answer { status: 204, ack: Some(0), retry_after: None, time: None }
        );
        assert_eq!(
            answered([7, 503, NONE, 2000, 0, 0, 0, 0]),
            Outcome::Answer { status: 503, ack: None, retry_after: Some(2000), time: None }
        );
    }

    #[test]
    fn a_session_crosses_the_border_unchanged() {
        let session = Session {
            id: SessionId::from_words([u32::MAX, 0, 1, 0x8000_0000]),
            started: UnixMs(1_710_320_000_123),
            last_active: UnixMs(1_710_320_000_999),
        };
        let [kind, args @ ..] = effect(Some(Effect::SaveSession(session)), None);
        assert_eq!(kind, 6);
        assert_eq!(input(16, args), Some(Input::SessionChanged(session)));
        let [_, args @ ..] =
            effect(Some(Effect::Stamp { stream: StreamNo(3), from: 9, session: session.id }), None);
        let stamp = Input::FoundStamp { stream: StreamNo(3), from: 9, session: session.id };
        assert_eq!(input(8, args), Some(stamp));
    }

    #[test]
    fn without_an_effect_the_timeout_is_told() {
        assert_eq!(effect(None, None)[..3], [0, NONE, NONE]);
        assert_eq!(effect(None, Some(Instant(500)))[..3], [0, 0, 500]);
    }
}
