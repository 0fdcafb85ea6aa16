//! The total order of events.

/// Where an event stands among all events: by time, then stream, then seq, then event id. Comparing two
/// keys compares the events; an absent stream or seq (third parties) comes before any present one.
///
/// Two different events of one site never share a key: (stream, seq) names an event, and so does the
/// event id of one that has no stream.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OrderKey {
    /// Event time after skew correction, Unix milliseconds.
    pub timestamp: i64,
    /// The stream's UUID as a big-endian number, so that the order is that of its text.
    pub stream: Option<u128>,
    /// Position in the stream.
    pub seq: Option<u32>,
    /// The event's UUID as a big-endian number.
    pub event_id: u128,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: OrderKey = OrderKey { timestamp: 5, stream: Some(7), seq: Some(3), event_id: 9 };

    #[test]
    fn time_comes_first_then_stream_then_seq_then_event_id() {
        let later = OrderKey { timestamp: 6, stream: None, seq: None, event_id: 0 };
        let next_stream = OrderKey { stream: Some(8), seq: Some(0), event_id: 0, ..KEY };
        let next_seq = OrderKey { seq: Some(4), event_id: 0, ..KEY };
        let next_id = OrderKey { event_id: 10, ..KEY };
        let mut keys = [later, next_stream, KEY, next_id, next_seq];
        keys.sort();
        assert_eq!(keys, [KEY, next_id, next_seq, next_stream, later]);
    }

    #[test]
    fn an_event_without_a_stream_comes_before_one_with() {
        assert!(OrderKey { stream: None, seq: None, event_id: u128::MAX, ..KEY } < KEY);
    }
}
