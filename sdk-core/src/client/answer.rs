//! What follows from the end of a request.

use super::{
    Client, Effect, Outcome, Phase, find,
    flights::Flight,
    stream::{Event, PASSED_OVER, Stream, WAITING},
};
use crate::{
    planted,
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
        if let Outcome::Answer { ack: Some(_), time: Some(server), .. } = outcome {
            self.clock.compare(self.now, self.unix, server);
            trace!(
                self.out,
                Step::Clock { unix: self.unix, server, trusted: self.clock.is_right(self.now, self.unix) }
            );
        }
        self.landed(flight, outcome);
        self.give_up_old();
        self.retire();
    }

    fn landed(&mut self, flight: Flight, outcome: Outcome) {
        let Some(stream) = find(&mut self.streams, flight.stream) else { return };
        let Flight { request, sent, events_end, news, end, round, .. } = flight;
        let out = &mut self.out;
        let carried = |e: &Event| e.request == request;
        stream.flights = stream.flights.saturating_sub(1);
        let verdict = match outcome {
            Outcome::Answer { status, ack, .. } => {
                let ack = ack.or((planted!(AckByStatus) && status < 300).then_some(sent));
                let ack =
                    ack.map(|ack| if planted!(AnswerOfPartSettles) && status < 300 { sent } else { ack });
                judge(status, ack, sent)
            }
            Outcome::NoAnswer => Verdict::Retry,
        };
        trace!(out, Step::Answered { request, outcome, sent, verdict });
        if verdict == Verdict::Settled {
            stream.forget(events_end, out, &carried);
            stream.ledger.acknowledge(news, stream.no, out);
            stream.refused.acknowledge(news);
            stream.ended |= end;
            trace!(out, Step::Acknowledged { stream: stream.no, news });
            self.retry.succeeded();
            return;
        }
        if planted!(RetryResetsLedger) {
            stream.ledger.acknowledge(news, stream.no, out);
        }

        let smaller = matches!(verdict, Verdict::Isolate | Verdict::ForeignTooLarge);
        let company = if smaller { sent.div_ceil(2) } else { u32::MAX };
        let alone = smaller && sent == 1;
        trace!(if smaller && sent > 1 => out, Step::Halved { stream: stream.no, most: company });
        if alone && verdict == Verdict::Isolate {
            stream.lose(Reason::Rejected, events_end, out, &carried);
        }
        let to = if alone { PASSED_OVER } else { WAITING };
        stream.transfer(events_end, request, to, company);
        match verdict {
            Verdict::Isolate if sent > 0 => self.retry.succeeded(),
            // With no event to blame, a refused request is a fault that only people can mend.
            Verdict::Isolate | Verdict::Wait => {
                self.retry.must_wait(self.now, round, &mut self.random);
            }
            Verdict::Stop => self.stop(),
            Verdict::ForeignTooLarge | Verdict::Retry | Verdict::Settled => {
                if alone {
                    self.passing_over_until = self.now.after(PASS_OVER_MS);
                    trace!(self.out, Step::PassedOver { stream: stream.no, until: self.passing_over_until });
                }
                // Offline, a failure says nothing about the server.
                if self.online {
                    self.retry.failed(self.now, round, &mut self.random);
                }
            }
        }
        if let (Verdict::Retry | Verdict::Wait, Outcome::Answer { ack: Some(_), retry_after: Some(ms), .. }) =
            (verdict, outcome)
            && let Some(wait) = self.retry.close_gate(self.now, ms)
        {
            self.out.push(Effect::SaveGate { until: self.unix.after(wait) });
        }
        trace!(self.out, Step::Waiting { until: self.retry.not_before() });
        self.flush.hurry(self.now);
    }

    /// Forgets the streams that need nothing more: adopted ones whose end is acknowledged, own ones that were closed or
    /// purged.
    pub(super) fn retire(&mut self) {
        while let Some(at) = self.streams.iter().position(Stream::is_finished) {
            let stream = self.streams.swap_remove(at);
            trace!(self.out, Step::Forgotten { stream: stream.no });
            self.out.push(Effect::ForgetStream { stream: stream.no });
        }
    }

    fn stop(&mut self) {
        self.phase = Phase::Stopped;
        trace!(self.out, Step::Stopped);
        self.out.push(Effect::Refuse { verdict: Refusal::Stopped, until: UnixMs(u64::MAX) });
        for stream in &mut self.streams {
            if !stream.is_being_told() {
                stream.lose(Reason::Stopped, u32::MAX, &mut self.out, &|_| true);
            }
        }
    }
}
