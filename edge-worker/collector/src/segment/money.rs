//! Amounts as Segment has them, in units of the currency, as integers of its minor unit.

/// Currencies of ISO 4217 without a minor unit, and with one of a thousandth; all others have hundredths.
const WHOLE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// The largest amount whose double is exact.
const MOST: f64 = 9_007_199_254_740_991.0;

/// The amount in minor units, rounded to the nearest, with the code of its currency. Nothing if either cannot be meant.
pub(super) fn minor(amount: f64, currency: Option<&str>) -> Option<(i64, String)> {
    let code = currency.unwrap_or("USD").to_ascii_uppercase();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let units = match &*code {
        code if WHOLE.contains(&code) => 1.0,
        code if THOUSANDTHS.contains(&code) => 1_000.0,
        _ => 100.0,
    };
    let minor = (amount * units).round();
    if !minor.is_finite() || minor.abs() > MOST {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
    Some((minor as i64, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_minor_unit_of_their_currency() {
        for (amount, currency, minor_units) in [
            (19.99, Some("EUR"), Some((1_999, "EUR"))),
            (0.29, None, Some((29, "USD"))),
            (1_500.0, Some("jpy"), Some((1_500, "JPY"))),
            (1.2345, Some("KWD"), Some((1_235, "KWD"))),
            (-5.0, Some("GBP"), Some((-500, "GBP"))),
            (1.0, Some("euro"), None),
            (1.0, Some(""), None),
            (1e300, Some("EUR"), None),
            (f64::NAN, Some("EUR"), None),
        ] {
            let expected = minor_units.map(|(units, code)| (units, code.to_owned()));
            assert_eq!(minor(amount, currency), expected, "{amount} {currency:?}");
        }
    }
}
