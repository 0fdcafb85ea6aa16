//! What each kind of input sets off.

use super::{
    Client, Input,
    age::LONG_AGO,
    find,
    stream::{Origin, Stream},
};
use crate::reason::Reason;

/// Takes in one input; see [`Client::handle_with`].
pub struct Intake<'c>(pub(super) &'c mut Client);

impl Intake<'_> {
    /// Takes it in.
    #[expect(clippy::inline_always, reason = "of each call only what its kind of input needs is left")]
    #[inline(always)]
    pub fn take(self, input: Input) {
        self.0.take(input);
    }
}

impl Client {
    #[expect(clippy::inline_always, reason = "as `Intake::take`")]
    #[inline(always)]
    fn take(&mut self, input: Input) {
        let unix = self.unix;
        let out = &mut self.out;
        match input {
            Input::Adopted { stream } => self.adopted(stream),
            Input::Answered { request, outcome } => self.answered(request, outcome),
            Input::Appended { stream, seq, len, ts } => self.appended(stream, seq, len, ts),
            Input::Closed { stream } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.closed = true;
                }
                self.retire();
            }
            Input::Consent { purpose, decision } => self.decided(purpose, decision),
            Input::Erase => self.erase(),
            Input::Flush => self.hurry(),
            Input::Found { stream, seq, len, ts } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    // Its age is for its `ts` alone to say.
                    stream.add(seq, len, ts, LONG_AGO);
                }
            }
            Input::FoundLoss { stream, from, to, reason } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.head = stream.head.max(to);
                    stream.ledger.found((from, to), reason);
                }
            }
            Input::FoundStamp { stream, from, session } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.stamp(from, session);
                }
            }
            Input::Gate { until } => {
                self.retry.share_gate(self.now, until.since(unix));
                trace!(out, Step::Gate { until: self.retry.not_before() });
            }
            Input::Gone { stream, from, to } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.lose(Reason::Vanished, to, out, &|e| e.seq >= from);
                }
            }
            Input::Hidden => {
                self.hidden = true;
                self.share_session();
                self.hurry();
            }
            Input::Online(online) => {
                self.online = online;
                if online {
                    self.hurry();
                }
            }
            Input::MemoryPressure => {
                self.hurry();
                self.streams.iter_mut().for_each(Stream::shrink);
            }
            Input::Opened { stream, lane } => self.open(stream, Origin::Own, lane, 0, 0),
            Input::Recorded { record } => {
                for stream in &mut self.streams {
                    stream.ledger.recorded(record, stream.no, out);
                }
            }
            Input::Refused { stream, verdict, total } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.refused.count(verdict, total, stream.ledger.next_news());
                }
            }
            Input::Reset => self.visit.reset(out),
            Input::Room { bytes } => {
                self.own.1 = bytes;
                self.apply();
            }
            Input::SessionChanged(session) => self.visit.changed(session, out),
            Input::Settings(settings) => self.set(settings, true),
            Input::SettingsChanged(settings) => self.set(settings, false),
            Input::StreamFound { stream, lane, done, head } => {
                self.open(stream, Origin::Found, lane, done, head.max(done));
            }
            Input::Terminating => self.terminate(),
            Input::Timeout => {}
            Input::Visible => {
                self.hidden = false;
                self.hurry();
            }
            Input::Visitor { draw } => self.calls.draw = draw,
        }
    }
}
