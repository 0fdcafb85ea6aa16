//! What may happen to a shell, and how bytes choose of it.

use headwater_core::{
    client::{Decision, Input, Lane, Outcome, Purpose, Settings, StreamNo},
    ranges::Range,
    refusal::Refusal,
    time::UnixMs,
};

use super::{
    books::{Owed, Stream},
    shell::{STATUSES, Shell, chosen},
    wild::{decision, reason, session},
};
use crate::bytes::Bytes;

/// Purposes of the site.
const PURPOSES: u32 = 3;

impl Shell {
    pub(super) fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() {
            0..66 => self.append(bytes),
            66..104 => self.answer(bytes),
            104..140 => {
                if let Some(record) = chosen(bytes, self.writing.keys()) {
                    self.recorded(record);
                }
            }
            140..142 => {
                if let Some((stream, _)) = self.writing.pop_first().map(|(_, entry)| entry) {
                    self.stream(stream).faulty = true;
                }
            }
            142..156 => self.pass_time(bytes),
            156..161 => self.open_stream(bytes),
            161..166 => self.find_stream(bytes),
            166..196 => self.tell_found(bytes),
            196..202 => {
                if let Some(stream) = self.one(bytes, |s| !s.own && !s.adopted) {
                    self.adopt(stream);
                }
            }
            202..207 => self.lose_to_another_adopter(bytes),
            207..211 => self.close_stream(bytes),
            211..217 => self.refuse_call(bytes),
            217..221 => self.decide(bytes),
            221..223 => self.erase(bytes),
            223..227 => self.set(bytes),
            227..230 => self.tell(Input::Hidden),
            230..235 => self.tell(Input::Visible),
            235..237 => self.tell(Input::Online(false)),
            237..241 => self.tell(Input::Online(true)),
            241..244 => self.tell(Input::Flush),
            244..246 => self.tell(Input::Gate { until: UnixMs(self.unix + 1_000 * u64::from(bytes.byte())) }),
            246..248 => self.tell(Input::SessionChanged(session(bytes))),
            248..250 => self.tell(Input::Reset),
            250..251 => self.tell(match bytes.below(3) {
                0 => Input::MemoryPressure,
                _ => Input::Room { bytes: 100 + 20 * bytes.below(256) },
            }),
            251..253 => {
                self.draw = u32::from(bytes.byte()) << 24;
                self.tell(Input::Visitor { draw: self.draw });
            }
            253.. => {
                if bytes.below(12) > 0 {
                    return self.tell(Input::Timeout);
                }
                self.tell(Input::Terminating);
                self.ended = true;
            }
        }
    }

    fn open_stream(&mut self, bytes: &mut Bytes<'_>) {
        let lane = lane(bytes);
        let stream = self.next_stream(Stream { own: true, lane, ..Stream::default() });
        self.tell(Input::Opened { stream, lane });
        if bytes.below(4) == 0 {
            // Dropped before the core was there.
            self.find_loss(stream, (0, 1 + bytes.below(4)), bytes);
        }
    }

    fn append(&mut self, bytes: &mut Bytes<'_>) {
        // Also to one whose purpose was just denied: its shell may hear of it later than the core.
        let Some(stream) = self.one(bytes, |s| s.own && !s.closed && !s.forgotten) else {
            return self.open_stream(bytes);
        };
        self.ts = (self.ts + 1 + u64::from(bytes.byte())).max(self.unix);
        let (ts, len, told) = (self.ts, 40 * bytes.below(256), Some(self.now));
        let books = self.stream(stream);
        let seq = books.head;
        books.hold(seq, Owed { len, ts, told });
        self.tell(Input::Appended { stream, seq, len, ts: UnixMs(ts) });
    }

    fn close_stream(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| s.own && !s.closed && !s.forgotten) else { return };
        self.close(stream);
    }

    fn refuse_call(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| s.own && !s.closed && !s.forgotten) else { return };
        let verdict = Refusal::ALL[usize::from(bytes.byte()) % Refusal::ALL.len()];
        let total = self.stream(stream).refused.entry(verdict).or_default();
        *total += 1 + bytes.below(3);
        let total = *total;
        self.tell(Input::Refused { stream, verdict, total });
    }

    fn decide(&mut self, bytes: &mut Bytes<'_>) {
        let (purpose, decision) = (purpose(bytes), decision(bytes));
        self.denied.remove(&purpose.0);
        if decision == Decision::Denied {
            self.denied.insert(purpose.0);
            for stream in self.streams.values_mut().filter(|s| s.lane.purpose == purpose) {
                stream.purged = true;
            }
        }
        self.tell(Input::Consent { purpose, decision });
    }

    fn erase(&mut self, bytes: &mut Bytes<'_>) {
        if bytes.below(4) > 0 {
            return;
        }
        self.streams.values_mut().for_each(|stream| stream.purged = true);
        self.tell(Input::Erase);
    }

    fn set(&mut self, bytes: &mut Bytes<'_>) {
        let mut settings = Settings::default();
        let values = [
            &mut settings.sample,
            &mut settings.calls_per_minute,
            &mut settings.flush_ms,
            &mut settings.queue_bytes,
        ];
        for value in values {
            if bytes.flag() {
                *value = bytes.number() << bytes.below(12);
            }
        }
        if bytes.below(4) == 0 {
            settings.stop_ms = bytes.number() << bytes.below(24);
        }
        self.tell(if bytes.flag() { Input::Settings(settings) } else { Input::SettingsChanged(settings) });
    }

    fn find_stream(&mut self, bytes: &mut Bytes<'_>) {
        let (start, lane) = (bytes.below(8), lane(bytes));
        let head = start + bytes.below(12);
        let stream = self.next_stream(Stream { lane, start, head, ..Stream::default() });
        self.tell(Input::StreamFound { stream, lane, done: start, head });
    }

    fn tell_found(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| !s.own && !s.adopted) else { return };
        let seq = bytes.below(24);
        match bytes.below(5) {
            0 => self.find_loss(stream, (seq, seq + 1 + bytes.below(6)), bytes),
            1 => self.tell(Input::FoundStamp { stream, from: seq, session: session(bytes).id }),
            _ => {
                let ts = self.unix - (u64::from(bytes.byte()) << bytes.below(24));
                if !self.stream(stream).told.contains(&seq) {
                    let len = 40 * bytes.below(256);
                    self.stream(stream).hold(seq, Owed { len, ts, told: None });
                    self.tell(Input::Found { stream, seq, len, ts: UnixMs(ts) });
                }
            }
        }
    }

    fn find_loss(&mut self, stream: StreamNo, (from, to): Range, bytes: &mut Bytes<'_>) {
        let books = self.stream(stream);
        books.named.insert_range(from, to);
        books.head = books.head.max(to);
        self.tell(Input::FoundLoss { stream, from, to, reason: reason(bytes) });
    }

    fn lose_to_another_adopter(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| s.adopted && !s.forgotten) else { return };
        let from = bytes.below(24);
        let to = from + 1 + bytes.below(6);
        self.stream(stream).held.retain(|seq| !(from..to).contains(seq));
        self.tell(Input::Gone { stream, from, to });
        let torn: Vec<_> = self
            .open
            .iter()
            .filter(|(_, (no, said))| *no == stream && said.seqs.iter().any(|seq| (from..to).contains(seq)))
            .map(|(request, _)| *request)
            .collect();
        for request in torn {
            self.answered(request, Outcome::NoAnswer);
        }
    }

    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let Some(request) = chosen(bytes, self.open.keys()) else { return };
        let sent = u32::try_from(self.open[&request].1.seqs.len()).expect("few");
        let (status, ack) = match bytes.byte() {
            0..140 => (204, Some(sent)),
            140..160 => return self.answered(request, Outcome::NoAnswer),
            kind => (STATUSES[bytes.below(12) as usize], (kind < 230).then(|| bytes.below(sent + 2))),
        };
        let retry_after = bytes.flag().then(|| 500 * bytes.below(256));
        let time = bytes.flag().then(|| UnixMs(self.unix + u64::from(bytes.byte()) * 30_000));
        self.answered(request, Outcome::Answer { status, ack, retry_after, time });
    }

    fn pass_time(&mut self, bytes: &mut Bytes<'_>) {
        let ms = u64::from(bytes.byte()) << bytes.below(24);
        self.now += ms;
        self.unix += ms;
        if bytes.below(8) == 0 {
            // Somebody sets the clock; at most so far back that it stays before none of its own beginning.
            self.unix = (self.unix + ms).max(self.now + 1_000_000_000_000);
        }
        self.tell(Input::Timeout);
    }
}

fn lane(bytes: &mut Bytes<'_>) -> Lane {
    Lane { purpose: purpose(bytes), precious: bytes.below(4) == 0 }
}

fn purpose(bytes: &mut Bytes<'_>) -> Purpose {
    // Mostly the one that calls belong to unless they say otherwise.
    let number = bytes.below(2 * PURPOSES);
    Purpose(u8::try_from(number.saturating_sub(PURPOSES)).expect("few"))
}
