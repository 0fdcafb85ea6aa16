//! The sender's clock against ours.

use crate::limits;

/// A time on the wire as Unix ms. With `or_seconds`, what lies below [`limits::SECONDS_BELOW`] is seconds.
/// Fractions of a millisecond are cut.
pub(crate) fn unix_ms(number: f64, or_seconds: bool) -> Result<i64, String> {
    if number < 0.0 {
        return Err("negative".to_owned());
    }
    let seconds = or_seconds && number < to_f64(limits::SECONDS_BELOW);
    // Rounded: 1710320000.123 s has no exact double, and its ms must not depend on that.
    let ms = if seconds { (number * 1_000.0).round() } else { number.trunc() };
    if ms > to_f64(limits::TIME_MS) {
        return Err(format!("later than {} ms", limits::TIME_MS));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 48 bits")]
    Ok(ms as i64)
}

/// When it happened: `ts`, corrected by the difference of the clocks if that is more than
/// [`limits::SKEW_MS`]. Imports are believed.
pub(crate) fn timestamp(ts: i64, sent_at: i64, received_at: i64, import: bool) -> i64 {
    let skew = received_at - sent_at;
    if import || skew.abs() <= limits::SKEW_MS { ts } else { ts + skew }
}

#[expect(clippy::cast_precision_loss, reason = "both limits are below 2^53")]
const fn to_f64(limit: i64) -> f64 {
    limit as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_takes_seconds_and_milliseconds() {
        assert_eq!(unix_ms(1_710_320_000.0, true), Ok(1_710_320_000_000));
        assert_eq!(unix_ms(1_710_320_000.123, true), Ok(1_710_320_000_123));
        assert_eq!(unix_ms(1_710_320_000_123.0, true), Ok(1_710_320_000_123));
        assert_eq!(unix_ms(99_999_999_999.0, true), Ok(99_999_999_999_000));
        assert_eq!(unix_ms(100_000_000_000.0, true), Ok(100_000_000_000));
        assert_eq!(unix_ms(0.0, true), Ok(0));
    }

    #[test]
    fn a_device_whose_clock_starts_in_1970_sends_small_milliseconds() {
        assert_eq!(unix_ms(5_000.0, false), Ok(5_000));
        assert_eq!(timestamp(5_000, 9_000, 1_710_320_009_000, false), 1_710_320_005_000);
    }

    #[test]
    fn times_outside_of_the_id_are_refused() {
        assert!(unix_ms(-1.0, true).is_err() && unix_ms(-0.5, false).is_err());
        assert_eq!(unix_ms(281_474_976_710_655.0, false), Ok(limits::TIME_MS));
        assert!(unix_ms(281_474_976_710_656.0, false).is_err() && unix_ms(1e300, true).is_err());
    }

    #[test]
    fn a_minute_of_difference_is_believed_and_more_is_corrected() {
        let received = 1_710_320_000_000;
        for (sent_off, corrected_by) in
            [(0, 0), (60_000, 0), (-60_000, 0), (60_001, -60_001), (-60_001, 60_001), (-9_000_000, 9_000_000)]
        {
            let ts = received - 5_000;
            assert_eq!(timestamp(ts, received + sent_off, received, false), ts + corrected_by, "{sent_off}");
            assert_eq!(timestamp(ts, received + sent_off, received, true), ts, "an import");
        }
    }
}
