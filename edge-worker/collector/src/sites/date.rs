//! Days of a configuration.

use serde::Deserialize;

/// A day as `YYYY-MM-DD`: the moment at which it begins in UTC, in Unix ms.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub(super) struct Day(pub(super) i64);

const DAY_MS: i64 = 86_400_000;

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or("a day is `YYYY-MM-DD`, from 1970 on, and begins at midnight UTC")
    }
}

fn parse(text: &str) -> Option<Day> {
    let is_form = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_form {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = months.get(..usize::try_from(month).ok()?.checked_sub(1)?)?;
    let length = *months.get(before.len())?;
    if year < 1970 || day < 1 || day > length {
        return None;
    }
    // Leap days of all years before this one, and of those before 1970 (477).
    let last = year - 1;
    let leap_days = last / 4 - last / 100 + last / 400 - 477;
    let days = (year - 1970) * 365 + leap_days + before.iter().sum::<i64>() + day - 1;
    Some(Day(days * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        // By `date -u -d DAY +%s`.
        for (day, seconds) in [
            ("1970-01-01", 0),
            ("1972-03-01", 68_256_000),
            ("2000-02-29", 951_782_400),
            ("2026-12-31", 1_798_675_200),
            ("2100-03-01", 4_107_542_400),
            ("9999-12-31", 253_402_214_400),
        ] {
            assert_eq!(parse(day), Some(Day(seconds * 1_000)), "{day}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026-1-1",
            "2026-02-29",
            "1969-12-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-01-32",
            "2026/01/01",
            "2026-01-01T00:00:00Z",
            "+026-01-01",
            "２０26-1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
