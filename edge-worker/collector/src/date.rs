//! Days of a configuration, and times that are written for people.

use serde::Deserialize;

/// A day as `YYYY-MM-DD`: the moment at which it begins in UTC, in Unix ms.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub(crate) struct Day(pub(crate) i64);

const DAY_MS: i64 = 86_400_000;

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or("a day is `YYYY-MM-DD`, from 1970 on, and begins at midnight UTC")
    }
}

/// A time of RFC 3339 with its offset, `2026-11-30T20:43:13.123Z`, in Unix ms. What is finer than a millisecond is cut.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let Day(day) = parse(day)?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = clock.split_at(clock.find(['Z', 'z', '+', '-'])?);
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let number = |text: &str, below: i64| {
        let is_form = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_form && *number < below)
    };
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        Some(number(hours, 24)? * 60 + number(minutes, 60)?)
    };
    // A leap second is the next one's begin.
    let (time, second) = (minutes(seconds.get(..5)?)?, number(seconds.get(5..)?.strip_prefix(':')?, 61)?);
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let ms = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok().filter(|_| is_fraction)?;
    let offset = match offset.split_at(1) {
        ("Z" | "z", "") => 0,
        ("+", offset) => minutes(offset)?,
        ("-", offset) => -minutes(offset)?,
        _ => return None,
    };
    let unix_ms = day + (time - offset) * 60_000 + second * 1_000 + ms;
    (unix_ms >= 0).then_some(unix_ms)
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

    #[test]
    fn times_are_read_to_the_millisecond_whatever_their_offset() {
        for (time, unix_ms) in [
            ("2024-03-13T08:53:30.123Z", 1_710_320_010_123),
            ("2024-03-13T08:53:30Z", 1_710_320_010_000),
            ("2024-03-13 08:53:30.1234567z", 1_710_320_010_123),
            ("2024-03-13T10:23:30.1+01:30", 1_710_320_010_100),
            ("2024-03-12T23:53:30.000-09:00", 1_710_320_010_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] {
            assert_eq!(rfc3339(time), Some(unix_ms), "{time}");
        }
        for text in [
            "",
            "2024-03-13",
            "2024-03-13T08:53:30",
            "2024-03-13T24:00:00Z",
            "2024-03-13T08:53:30.Z",
            "2024-03-13T08:53Z",
            "2024-03-13T08:53:30+1",
            "2024-03-13T08:53:30Zx",
            "1970-01-01T00:00:00+01:00",
            "2024-03-13T08:53:30.é2Z",
            "2024-03-1é",
            "2024-03-13T0é:53:30Z",
            "2024-03-13T+8:53:30Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,40}", near in "2024-03-1[0-9]T[0-9:.+Zé-]{0,20}") {
            let _ = (rfc3339(&text), parse(&text));
            proptest::prop_assert!(rfc3339(&near).is_none_or(|ms| ms > 0));
        }
    }
}
