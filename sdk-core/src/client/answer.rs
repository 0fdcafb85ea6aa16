//! What follows from the end of a request.

use super::{
    Client, Effect, Outcome, Phase, find,
    stream::{Event, Place, Stream},
};
use crate::{
    reason::Reason,
    refusal::Refusal,
    status::{Verdict, judge},
    time::UnixMs,
};

/// How long an event is passed over, ms: long enough not to matter, short enough to notice another network.
const PASS_OVER_MS: u64 = 10 * 60 * 1_000;

impl Client {
    pub(super) fn answered(&mut self, request: u32, outcome: Outcome) {
        let Some(flight) = self.flights.end(request) else { return };
        let Some(stream) = find(&mut self.streams, flight.stream) else { return };
        let (batch, out) = (flight.batch, &mut self.out);
        let sent = batch.sent();
        let carried = |e: &Event| batch.carries(e.seq);
        stream.flights = stream.flights.saturating_sub(1);
        let verdict = match outcome {
            Outcome::Answer { status, ack, .. } => judge(status, ack, sent),
            Outcome::NoAnswer => Verdict::Retry,
        };
        if verdict == Verdict::Settled {
            stream.forget(out, &carried);
            stream.ledger.acknowledge(&batch.names, stream.no, out);
            stream.ended |= batch.end;
            self.retry.succeeded();
            self.retire();
            return;
        }

        let smaller = matches!(verdict, Verdict::Isolate | Verdict::ForeignTooLarge);
        stream.change(&carried, &|e| {
            e.place = Place::Waiting;
            if smaller {
                e.company = sent.div_ceil(2);
            }
        });
        match verdict {
            Verdict::Isolate if sent > 0 => {
                if sent == 1 {
                    stream.lose(Reason::Rejected, out, &carried);
                }
                self.retry.succeeded();
            }
            // With no event to blame, a refused request is a fault that only people can mend.
            Verdict::Isolate | Verdict::Wait => {
                self.retry.must_wait(self.now, flight.round, &mut self.random);
            }
            Verdict::Stop => self.stop(),
            Verdict::ForeignTooLarge | Verdict::Retry | Verdict::Settled => {
                if verdict == Verdict::ForeignTooLarge && sent == 1 {
                    stream.change(&carried, &|e| e.place = Place::PassedOver);
                    self.passing_over_until = self.now.after(PASS_OVER_MS);
                }
                // Offline, a failure says nothing about the server.
                if self.online {
                    self.retry.failed(self.now, flight.round, &mut self.random);
                }
            }
        }
        if let (Verdict::Retry | Verdict::Wait, Outcome::Answer { ack: Some(_), retry_after: Some(ms), .. }) =
            (verdict, outcome)
            && let Some(wait) = self.retry.close_gate(self.now, ms)
        {
            self.out.push(Effect::SaveGate { until: self.unix.after(wait) });
        }
        self.flush.hurry(self.now);
        self.retire();
    }

    /// Forgets the streams that need nothing more: adopted ones whose end is acknowledged, and purged ones.
    pub(super) fn retire(&mut self) {
        while let Some(at) = self.streams.iter().position(Stream::is_finished) {
            let stream = self.streams.remove(at);
            self.out.push(Effect::ForgetStream { stream: stream.no });
        }
    }

    fn stop(&mut self) {
        self.phase = Phase::Stopped;
        self.out.push(Effect::Refuse { verdict: Some(Refusal::Stopped), until: UnixMs(u64::MAX) });
        for stream in &mut self.streams {
            if !stream.is_being_told() {
                stream.lose(Reason::Stopped, &mut self.out, &|_| true);
            }
        }
    }
}
