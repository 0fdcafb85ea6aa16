//! Inputs as 32-bit numbers. The table stands once more in `ts/wasm.ts`; numbers are never reused, since journals keep
//! those of reasons, sessions and gates. Effects need no table: the page reads the core's own, where they lie.
//!
//! A time takes two numbers, the lower half first: then nothing is ever converted between integers and floats.

#![expect(clippy::many_single_char_names, reason = "positions: the kind gives meaning")]

use headwater_core::{
    client::{Decision, Input, Intake, Lane, Outcome, Purpose, Settings, StreamNo},
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};

/// Stands for "none" where a number may be missing.
const NONE: u32 = u32::MAX;

/// Takes in the input that `kind` and `args` say; `None` if this version knows no such kind, or no such argument.
#[must_use]
#[inline]
pub fn input(kind: u32, args: [u32; 8], intake: Intake<'_>) -> Option<()> {
    let [a, b, c, d, e, f, g, h] = args;
    let stream = StreamNo(a);
    match kind {
        1 => intake.take(Input::Adopted { stream }),
        2 => intake.take(Input::Appended { stream, seq: b, len: c, ts: time(d, e) }),
        3 => intake.take(Input::Answered { request: a, outcome: outcome(b, c, d, time(e, f)) }),
        4 => intake.take(Input::Consent { purpose: purpose(a)?, decision: decision(b)? }),
        5 => intake.take(Input::Flush),
        6 => intake.take(Input::Found { stream, seq: b, len: c, ts: time(d, e) }),
        7 => intake.take(Input::FoundLoss { stream, from: b, to: c, reason: reason(d)? }),
        8 => intake.take(Input::FoundStamp { stream, from: b, session: SessionId::from_words([c, d, e, f]) }),
        9 => intake.take(Input::Gate { until: time(a, b) }),
        10 => intake.take(Input::Gone { stream, from: b, to: c }),
        11 => intake.take(Input::Hidden),
        12 => intake.take(Input::Online(a != 0)),
        13 => intake.take(Input::Opened { stream, lane: lane(b, c)? }),
        14 => intake.take(Input::Recorded { record: a }),
        15 => intake.take(Input::Reset),
        16 => {
            let id = SessionId::from_words([a, b, c, d]);
            let session = Session { id, started: time(e, f), last_active: time(g, h) };
            intake.take(Input::SessionChanged(session));
        }
        17 => intake.take(Input::StreamFound { stream, done: b, head: c, lane: lane(d, e)? }),
        18 => intake.take(Input::Terminating),
        19 => intake.take(Input::Timeout),
        20 => intake.take(Input::Visible),
        21 => intake.take(Input::Closed { stream }),
        22 => intake.take(Input::Erase),
        23 => intake.take(Input::MemoryPressure),
        24 => intake.take(Input::Refused { stream, verdict: refusal(b)?, total: c }),
        25 => intake.take(Input::Settings(settings([a, b, c, d, e]))),
        26 => intake.take(Input::SettingsChanged(settings([a, b, c, d, e]))),
        27 => intake.take(Input::Visitor { draw: a }),
        28 => intake.take(Input::Room { bytes: a }),
        _ => return None,
    }
    Some(())
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

const fn refusal(of: u32) -> Option<Refusal> {
    Some(match of {
        1 => Refusal::Consent,
        2 => Refusal::Invalid,
        3 => Refusal::Plugin,
        4 => Refusal::RateCap,
        5 => Refusal::Sampled,
        6 => Refusal::Stopped,
        7 => Refusal::Waiting,
        _ => return None,
    })
}

fn time(low: u32, high: u32) -> UnixMs {
    UnixMs(u64::from(high) << 32 | u64::from(low))
}

const fn reason(of: u32) -> Option<Reason> {
    Some(match of {
        1 => Reason::Consent,
        2 => Reason::DeadLetter,
        3 => Reason::Filtered,
        4 => Reason::QueueFull,
        5 => Reason::Rejected,
        6 => Reason::Stopped,
        7 => Reason::Storage,
        8 => Reason::TooManyGaps,
        9 => Reason::TooOld,
        10 => Reason::Vanished,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use headwater_core::{
        client::{Client, Config, Effect, Limits},
        time::Instant,
    };

    use super::*;

    const NOW: Instant = Instant(7);
    const UNIX: UnixMs = UnixMs(1_710_320_000_123);

    fn client() -> Client {
        Client::new(Config { entropy: [7; 32], limits: Limits::default() })
    }

    /// What a client does after these inputs, as numbers say them; `None` if one says nothing.
    fn told(inputs: &[(u32, [u32; 8])]) -> Option<Vec<Effect>> {
        let mut client = client();
        let mut understood = Some(());
        for (kind, args) in inputs {
            client.handle_with(NOW, UNIX, |intake| understood = understood.and(input(*kind, *args, intake)));
        }
        understood.map(|()| std::iter::from_fn(|| client.poll()).collect())
    }

    /// And what it does after the same inputs as they are.
    fn meant(inputs: &[Input]) -> Vec<Effect> {
        let mut client = client();
        for input in inputs {
            client.handle(NOW, UNIX, *input);
        }
        std::iter::from_fn(|| client.poll()).collect()
    }

    #[test]
    fn every_reason_and_refusal_is_read_by_its_number() {
        for kind in Reason::ALL {
            assert_eq!(reason(kind as u32), Some(kind));
        }
        assert_eq!((reason(0), reason(11)), (None, None));
        for kind in Refusal::ALL {
            assert_eq!(refusal(kind as u32), Some(kind));
        }
        assert_eq!((refusal(0), refusal(8)), (None, None));
    }

    #[test]
    fn an_unknown_kind_or_reason_says_nothing() {
        assert_eq!(told(&[(0, [0; 8])]), None);
        assert_eq!(told(&[(29, [0; 8])]), None);
        assert_eq!(told(&[(7, [0, 0, 1, 99, 0, 0, 0, 0])]), None);
    }

    #[test]
    fn numbers_mean_the_inputs_that_they_say() {
        let stream = StreamNo(3);
        let lane = Lane { purpose: Purpose(2), precious: true };
        let [low, high] = [0x3752_ae7b, 0x18e];
        let ts = UnixMs(0x18e_3752_ae7b);
        let opened = (13, [3, 2, 1, 0, 0, 0, 0, 0]);
        let appended = (2, [3, 0, 40, low, high, 0, 0, 0]);
        let both = [Input::Opened { stream, lane }, Input::Appended { stream, seq: 0, len: 40, ts }];
        assert_eq!(told(&[opened, appended]), Some(meant(&both)));
        let id = SessionId::from_words([u32::MAX, 0, 1, 0x8000_0000]);
        let session = Session { id, started: ts, last_active: UnixMs(ts.0 + 1) };
        let shared = (16, [u32::MAX, 0, 1, 0x8000_0000, low, high, low + 1, high]);
        assert_eq!(
            told(&[shared, opened, appended]),
            Some(meant(&[Input::SessionChanged(session), both[0], both[1]]))
        );
        let denied = Input::Consent { purpose: Purpose(2), decision: Decision::Denied };
        assert_eq!(
            told(&[opened, appended, (4, [2, 0, 0, 0, 0, 0, 0, 0])]),
            Some(meant(&[both[0], both[1], denied]))
        );
    }

    #[test]
    fn an_answer_without_a_status_is_no_answer() {
        assert_eq!(outcome(0, NONE, NONE, UnixMs(0)), Outcome::NoAnswer);
        assert_eq!(
            outcome(204, 0, NONE, UnixMs(0)),
            Outcome::Answer { status: 204, ack: Some(0), retry_after: None, time: None }
        );
        assert_eq!(
            outcome(503, NONE, 2000, UNIX),
            Outcome::Answer { status: 503, ack: None, retry_after: Some(2000), time: Some(UNIX) }
        );
    }
}
