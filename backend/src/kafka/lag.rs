//! How far the store is behind the topic, and when that is worth waking somebody.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Beyond this a reader of the numbers notices: the alert metric is 1.
const ALERT: Duration = Duration::from_mins(1);

/// Shared between the consumer's thread, which writes, and whoever asks for metrics.
#[derive(Debug)]
pub struct Lag {
    topic: String,
    known: Mutex<Known>,
}

/// Times are Unix milliseconds.
#[derive(Debug, Default)]
struct Known {
    parts: BTreeMap<i32, Part>,
    /// When a broker last spoke of the topic.
    heard_at: i64,
}

#[derive(Debug, Default)]
struct Part {
    /// Everything before is in the store.
    committed: u64,
    /// The offset behind the last record that was fetched.
    fetched: u64,
    /// The offset behind the last record that the broker has.
    end: u64,
    /// Of what was fetched and is not committed, some offsets and when their records were written, ascending.
    written: VecDeque<(u64, i64)>,
    /// It stands at a record that cannot be read.
    stands: bool,
    /// Since when there is something that was not even fetched.
    behind_since: Option<i64>,
}

impl Lag {
    /// Nothing is known of the topic yet.
    #[must_use]
    pub fn new(topic: &str, now: i64) -> Self {
        Self { topic: topic.to_owned(), known: Mutex::new(Known { heard_at: now, ..Known::default() }) }
    }

    /// A broker spoke of the topic.
    pub(super) fn heard(&self, now: i64) {
        self.with(|known| known.heard_at = now);
    }

    /// What was known of the partitions is of another topic.
    pub(super) fn forget(&self) {
        self.with(|known| known.parts.clear());
    }

    /// The partition is read from here.
    pub(super) fn begin(&self, part: i32, next: u64) {
        self.with(|known| {
            let end = known.parts.get(&part).map_or(0, |part| part.end);
            let part = known.parts.entry(part).or_default();
            let stands = part.stands;
            *part = Part { committed: next, fetched: next, end: end.max(next), stands, ..Part::default() };
        });
    }

    /// Some records were fetched: the first of them, when it was written, and the offset behind the last.
    pub(super) fn fetched(&self, part: i32, first: u64, written: i64, next: u64) {
        self.with(|known| {
            let part = known.parts.entry(part).or_default();
            part.written.push_back((first, written));
            part.fetched = next;
            part.end = part.end.max(next);
            part.behind_since = None;
        });
    }

    /// The partition stands at a record that cannot be read.
    pub(super) fn stands(&self, part: i32) {
        self.with(|known| known.parts.entry(part).or_default().stands = true);
    }

    /// It does no longer.
    pub(super) fn goes_on(&self, part: i32) {
        self.with(|known| known.parts.entry(part).or_default().stands = false);
    }

    /// The broker has records up to here.
    pub(super) fn end(&self, part: i32, end: u64, now: i64) {
        self.with(|known| {
            // One that is not read yet has no place to be behind of.
            let Some(part) = known.parts.get_mut(&part) else { return };
            part.end = end.max(part.fetched);
            part.behind_since = (part.end > part.fetched).then_some(part.behind_since.unwrap_or(now));
        });
    }

    /// Everything before `next` is in the store.
    pub(super) fn committed(&self, part: i32, next: u64) {
        self.with(|known| {
            let part = known.parts.entry(part).or_default();
            part.committed = next;
            part.end = part.end.max(next);
            while let Some((first, written)) = part.written.front().copied() {
                if first >= next {
                    break;
                }
                part.written.pop_front();
                let goes_on = part.written.front().map_or(part.fetched, |(first, _)| *first);
                if goes_on > next {
                    // The rest of what was fetched with it is no older.
                    part.written.push_front((next, written));
                }
            }
        });
    }

    /// In Prometheus' text format.
    #[must_use]
    pub fn metrics(&self, now: i64) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |then: i64| Duration::from_millis(now.saturating_sub(then).try_into().unwrap_or(0));
        let topic = &self.topic;
        let (mut records, mut seconds, mut standing) = (String::new(), String::new(), String::new());
        let mut any_stands = false;
        let silent = since(known.heard_at);
        let mut worst = silent;
        for (number, part) in &known.parts {
            let behind = part.end.saturating_sub(part.committed);
            let oldest = part.written.front().map(|(_, written)| *written).or(part.behind_since);
            let late = oldest.filter(|_| behind > 0).map_or(Duration::ZERO, since);
            worst = worst.max(late);
            let labels = format!("{{topic=\"{topic}\",partition=\"{number}\"}}");
            // Writing into a String does not fail.
            let _ = writeln!(records, "headwater_kafka_lag_records{labels} {behind}");
            let _ = writeln!(standing, "headwater_kafka_unreadable{labels} {}", u8::from(part.stands));
            any_stands |= part.stands;
            let _ = writeln!(seconds, "headwater_kafka_lag_seconds{labels} {:.3}", late.as_secs_f64());
        }
        let alert = u8::from(any_stands || worst > ALERT);
        format!(
            "# HELP headwater_kafka_lag_records Records of the partition that are not in the store.\n\
             # TYPE headwater_kafka_lag_records gauge\n{records}\
             # HELP headwater_kafka_lag_seconds How long the oldest of them has been waiting.\n\
             # TYPE headwater_kafka_lag_seconds gauge\n{seconds}\
             # HELP headwater_kafka_unreadable 1 while the partition stands at a record whose schema is not known.\n\
             # TYPE headwater_kafka_unreadable gauge\n{standing}\
             # HELP headwater_kafka_silence_seconds How long ago a broker last spoke of the topic.\n\
             # TYPE headwater_kafka_silence_seconds gauge\n\
             headwater_kafka_silence_seconds{{topic=\"{topic}\"}} {:.3}\n\
             # HELP headwater_kafka_lag_alert 1 when a partition stands, or its lag or the silence is above {} s.\n\
             # TYPE headwater_kafka_lag_alert gauge\n\
             headwater_kafka_lag_alert{{topic=\"{topic}\"}} {alert}\n",
            silent.as_secs_f64(),
            ALERT.as_secs(),
        )
    }

    fn with(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    /// Records, seconds, alert.
    fn told(lag: &Lag, now: i64) -> (String, String, String) {
        let text = lag.metrics(now);
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next()).unwrap_or("none").to_owned()
        };
        (
            value("headwater_kafka_lag_records"),
            value("headwater_kafka_lag_seconds"),
            value("headwater_kafka_lag_alert"),
        )
    }

    fn of(records: &str, seconds: &str, alert: &str) -> (String, String, String) {
        (records.to_owned(), seconds.to_owned(), alert.to_owned())
    }

    #[test]
    fn lag_is_counted_from_the_oldest_record_that_is_not_committed() {
        let lag = Lag::new("events", NOW);
        lag.begin(0, 10);
        assert_eq!(told(&lag, NOW), of("0", "0.000", "0"));
        lag.fetched(0, 10, NOW - 5000, 14);
        lag.fetched(0, 14, NOW - 1000, 20);
        assert_eq!(told(&lag, NOW), of("10", "5.000", "0"));
        lag.committed(0, 12);
        assert_eq!(told(&lag, NOW), of("8", "5.000", "0"), "fetched with one that was written 5 s ago");
        lag.committed(0, 14);
        assert_eq!(told(&lag, NOW), of("6", "1.000", "0"));
        lag.committed(0, 20);
        assert_eq!(told(&lag, NOW), of("0", "0.000", "0"));
    }

    #[test]
    fn what_an_earlier_process_committed_is_no_lag_however_old() {
        let lag = Lag::new("events", NOW);
        lag.begin(0, 9);
        lag.fetched(0, 9, 0, 10);
        lag.committed(0, 10);
        assert_eq!(told(&lag, NOW), of("0", "0.000", "0"));
    }

    #[test]
    fn what_cannot_be_fetched_is_lag_since_it_was_noticed() {
        let lag = Lag::new("events", NOW);
        lag.begin(0, 0);
        lag.end(0, 7, NOW);
        lag.end(0, 9, NOW + 1000);
        lag.heard(NOW + 30_000);
        assert_eq!(told(&lag, NOW + 30_000), of("9", "30.000", "0"));
        lag.heard(NOW + 60_001);
        assert_eq!(told(&lag, NOW + 60_001), of("9", "60.001", "1"));
        lag.fetched(0, 0, NOW, 9);
        lag.committed(0, 9);
        assert_eq!(told(&lag, NOW + 60_001), of("0", "0.000", "0"));
    }

    #[test]
    fn a_broker_that_says_nothing_is_an_alert() {
        let lag = Lag::new("events", NOW);
        assert_eq!(told(&lag, NOW + 60_000), of("none", "none", "0"));
        assert_eq!(told(&lag, NOW + 60_001), of("none", "none", "1"));
    }
}
