//! What an accepted event sets off: it is stamped and counted, and older ones may have to go.

use super::{Client, Effect, Lane, StreamNo, find, queue, stream::Origin};
use crate::{reason::Reason, time::UnixMs};

impl Client {
    pub(super) fn appended(&mut self, no: StreamNo, seq: u32, len: u32, ts: UnixMs) {
        if self.stream(no).is_none() {
            self.open(no, Origin::Own, Lane::default(), seq, seq);
        }
        let stopped = self.is_stopped();
        let Some(stream) = find(&mut self.streams, no) else { return };
        stream.add(seq, len, ts, self.now);
        if stream.purged || stopped {
            let reason = if stream.purged { Reason::Consent } else { Reason::Stopped };
            stream.lose(reason, u32::MAX, &mut self.out, &|e| e.seq == seq);
            return;
        }
        self.calls.count(self.now);
        let session = self.visit.touch(ts, &mut self.random, &mut self.out);
        if stream.session(seq) != Some(session) {
            stream.stamp(seq, session);
            self.out.push(Effect::Stamp { stream: no, from: seq, session });
        }
        queue::evict(&mut self.streams, (no, seq), &self.limits, &mut self.out);
    }
}
