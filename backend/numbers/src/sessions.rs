//! The 30-minute rule: a session is a maximal run of one client's events with no gap above
//! [`SESSION_GAP_MS`] of event time; exactly that gap still joins. It belongs to the day of its start.
//!
//! [`starts`] walks rows that are in order. [`Runs`] takes the same rows in any order and any number
//! of pieces: a [`Session`] is a monoid, so what arrives late touches at most two stored sessions.

use std::{collections::BTreeMap, ops::Range};

use crate::order::OrderKey;

/// The longest gap inside a session, milliseconds (the field's usual 30 minutes).
pub const SESSION_GAP_MS: i64 = 30 * 60 * 1000;

/// Yields the first row of every session. `rows` must be sorted by client, then by time; `place`
/// tells a row's client and its time in Unix milliseconds.
pub fn starts<T, C: PartialEq>(
    rows: impl IntoIterator<Item = T>,
    mut place: impl FnMut(&T) -> (C, i64),
) -> impl Iterator<Item = T> {
    let mut last: Option<(C, i64)> = None;
    rows.into_iter().filter(move |row| {
        let (client, time) = place(row);
        let joins = last.as_ref().is_some_and(|(before, at)| *before == client && time.abs_diff(*at) <= GAP);
        last = Some((client, time));
        !joins
    })
}

const GAP: u64 = SESSION_GAP_MS.unsigned_abs();

/// One session, or a piece of one. `E` is what is remembered of its first and last event (their pages,
/// their country).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session<E> {
    /// The earliest event in the total order, and what it said.
    pub first: (OrderKey, E),
    /// The latest event in the total order, and what it said.
    pub last: (OrderKey, E),
    /// How many events.
    pub events: u64,
    /// How many of them were page views.
    pub pageviews: u64,
}

impl<E: Clone> Session<E> {
    /// A piece made of one event.
    #[must_use]
    pub fn of(key: OrderKey, pageview: bool, says: E) -> Self {
        Self { first: (key, says.clone()), last: (key, says), events: 1, pageviews: u64::from(pageview) }
    }

    /// Both pieces as one, whichever came first.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            first: if other.first.0 < self.first.0 { other.first } else { self.first },
            last: if other.last.0 > self.last.0 { other.last } else { self.last },
            events: self.events + other.events,
            pageviews: self.pageviews + other.pageviews,
        }
    }

    /// Whether the two are one session.
    fn joins(&self, other: &Self) -> bool {
        let (early, late) = if self.first.0 <= other.first.0 { (self, other) } else { (other, self) };
        late.first.0.timestamp.saturating_sub(early.last.0.timestamp) <= SESSION_GAP_MS
    }
}

/// One client's sessions, built from events in any order. Each event must be given once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Runs<E> {
    by_start: BTreeMap<OrderKey, Session<E>>,
}

impl<E> Default for Runs<E> {
    fn default() -> Self {
        Self { by_start: BTreeMap::new() }
    }
}

impl<E: Clone> Runs<E> {
    /// Adds a piece and joins it with the neighbours it reaches.
    pub fn add(&mut self, mut piece: Session<E>) {
        for start in self.reached_by(&piece) {
            let stored = self.by_start.remove(&start).expect("the key was just read");
            piece = piece.merge(stored);
        }
        self.by_start.insert(piece.first.0, piece);
    }

    /// Every session by its start.
    pub fn iter(&self) -> impl Iterator<Item = &Session<E>> {
        self.by_start.values()
    }

    fn reached_by(&self, piece: &Session<E>) -> Vec<OrderKey> {
        let before = self.by_start.range(..piece.first.0).next_back();
        let after = self.by_start.range(following(piece));
        before.into_iter().chain(after).filter(|(_, at)| at.joins(piece)).map(|(key, _)| *key).collect()
    }
}

/// The starts that a piece can reach: from its own to one gap behind its end.
fn following<E>(piece: &Session<E>) -> Range<OrderKey> {
    let beyond = OrderKey {
        timestamp: piece.last.0.timestamp.saturating_add(SESSION_GAP_MS + 1),
        stream: None,
        seq: None,
        event_id: 0,
    };
    piece.first.0..beyond.max(piece.first.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(timestamp: i64, event_id: u128) -> OrderKey {
        OrderKey { timestamp, stream: None, seq: None, event_id }
    }

    fn starts_of(times: &[i64]) -> Vec<i64> {
        starts(times.iter().copied(), |time| ((), *time)).collect()
    }

    #[test]
    fn exactly_thirty_minutes_joins_and_a_millisecond_more_does_not() {
        assert_eq!(starts_of(&[0, SESSION_GAP_MS]), [0]);
        assert_eq!(starts_of(&[0, SESSION_GAP_MS + 1]), [0, SESSION_GAP_MS + 1]);
    }

    #[test]
    fn a_session_has_no_longest_length() {
        let all_day: Vec<i64> = (0..100).map(|i| i * SESSION_GAP_MS).collect();
        assert_eq!(starts_of(&all_day), [0]);
    }

    #[test]
    fn another_client_begins_another_session() {
        let rows = [("a", 0), ("a", 1), ("b", 2), ("b", 3)];
        let found: Vec<_> = starts(rows, |row| *row).collect();
        assert_eq!(found, [("a", 0), ("b", 2)]);
    }

    #[test]
    fn a_late_event_between_two_sessions_joins_them() {
        let mut runs = Runs::default();
        runs.add(Session::of(key(0, 1), true, "/in"));
        runs.add(Session::of(key(2 * SESSION_GAP_MS, 2), false, "/out"));
        assert_eq!(runs.iter().count(), 2);
        runs.add(Session::of(key(SESSION_GAP_MS, 3), true, "/middle"));
        let [session] = runs.iter().collect::<Vec<_>>()[..] else { panic!("one session") };
        assert_eq!((session.first.1, session.last.1), ("/in", "/out"));
        assert_eq!((session.events, session.pageviews), (3, 2));
    }

    #[test]
    fn at_one_instant_the_total_order_says_which_event_is_first() {
        let mut runs = Runs::default();
        runs.add(Session::of(key(5, 2), true, "second"));
        runs.add(Session::of(key(5, 1), true, "first"));
        let session = runs.iter().next().expect("a session");
        assert_eq!((session.first.1, session.last.1), ("first", "second"));
    }

    proptest! {
        #[test]
        fn any_order_and_any_pieces_give_the_sessions_of_the_ordered_walk(
            times in prop::collection::vec(0..40 * SESSION_GAP_MS, 0..60),
            order in any::<prop::sample::Index>(),
            seed in any::<u64>(),
        ) {
            let events: Vec<OrderKey> = times.iter().zip(0..).map(|(time, id)| key(*time, id)).collect();
            let mut sorted = events.clone();
            sorted.sort();
            let expected: Vec<OrderKey> = starts(sorted, |event| ((), event.timestamp)).collect();

            let mut shuffled = events;
            shuffle(&mut shuffled, seed);
            let mut runs = Runs::default();
            let cut = if shuffled.is_empty() { 0 } else { order.index(shuffled.len()) };
            for event in &shuffled[..cut] {
                runs.add(Session::of(*event, false, ()));
            }
            // The rest arrives as finished sessions of a second store.
            let mut second = Runs::default();
            for event in &shuffled[cut..] {
                second.add(Session::of(*event, false, ()));
            }
            for session in second.iter() {
                runs.add(session.clone());
            }
            prop_assert_eq!(runs.iter().map(|session| session.first.0).collect::<Vec<_>>(), expected);
            prop_assert_eq!(runs.iter().map(|session| session.events).sum::<u64>(), times.len() as u64);
        }
    }

    fn shuffle<T>(items: &mut [T], mut seed: u64) {
        for i in (1..items.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let j = usize::try_from(seed >> 33).expect("31 bits") % (i + 1);
            items.swap(i, j);
        }
    }
}
