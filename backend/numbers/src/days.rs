//! The UTC day and hour an event belongs to.

use std::fmt;

use jiff::civil::Date;

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Milliseconds in a day (UTC has no leap seconds in Unix time).
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A UTC day between the years −9999 and 9999, shown as `2026-03-01`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Day(Date);

impl Day {
    /// The day of a time in Unix milliseconds; times beyond the calendar belong to its first or last day.
    #[must_use]
    pub fn of(unix_ms: i64) -> Self {
        Self::from_number(unix_ms.div_euclid(DAY_MS))
    }

    /// Reads `YYYY-MM-DD` and nothing else.
    ///
    /// # Errors
    /// [`BadDay`] when it is written otherwise or is not in the calendar.
    pub fn parse(text: &str) -> Result<Self, BadDay> {
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(i, byte)| match i {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return Err(BadDay);
        }
        text.parse().map(Self).map_err(|_| BadDay)
    }

    /// The day's first millisecond, Unix time.
    #[must_use]
    pub fn start(self) -> i64 {
        self.number() * DAY_MS
    }

    /// The first millisecond after the day, Unix time.
    #[must_use]
    pub fn end(self) -> i64 {
        self.start() + DAY_MS
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
    }

    fn from_number(days: i64) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        let beyond = if days < 0 { Date::MIN } else { Date::MAX };
        // One day beyond either end is enough to be clamped, and keeps the span itself in range.
        let span = jiff::SignedDuration::from_hours(days.clamp(-7_000_000, 7_000_000) * 24);
        Self(epoch.checked_add(span).unwrap_or(beyond))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A UTC hour, shown as `2026-03-01T13:00:00Z`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hour {
    day: Day,
    hour: u8,
}

impl Hour {
    /// The hour of a time in Unix milliseconds.
    #[must_use]
    pub fn of(unix_ms: i64) -> Self {
        let hour = unix_ms.rem_euclid(DAY_MS) / HOUR_MS;
        Self { day: Day::of(unix_ms), hour: u8::try_from(hour).expect("a day has 24 hours") }
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}:00:00Z", self.day, self.hour)
    }
}

/// Text that is not a day written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a day written YYYY-MM-DD")]
pub struct BadDay;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_holds_its_first_and_last_millisecond() {
        let day = Day::parse("2024-03-13").expect("a day");
        assert_eq!(Day::of(1_710_320_000_123), day);
        assert_eq!((Day::of(day.start()), Day::of(day.end() - 1)), (day, day));
        assert_eq!(Day::of(day.end()).to_string(), "2024-03-14");
        assert_eq!(Day::of(day.start() - 1).to_string(), "2024-03-12");
    }

    #[test]
    fn days_before_1970_are_days_too() {
        assert_eq!(Day::of(-1).to_string(), "1969-12-31");
        assert_eq!(Hour::of(-1).to_string(), "1969-12-31T23:00:00Z");
    }

    #[test]
    fn an_hour_is_shown_with_its_day() {
        assert_eq!(Hour::of(1_710_320_000_123).to_string(), "2024-03-13T08:00:00Z");
    }

    #[test]
    fn times_beyond_the_calendar_are_clamped() {
        assert_eq!(Day::of(i64::MAX).to_string(), "9999-12-31");
        assert!(Day::of(i64::MIN) < Day::of(0));
    }

    #[test]
    fn only_the_one_form_is_a_day() {
        for bad in ["", "2024-3-13", "2024-13-01", "2024-02-30", "20240313", "2024-03-13T00:00", "+024-03-13"]
        {
            assert_eq!(Day::parse(bad), Err(BadDay), "{bad}");
        }
    }
}
