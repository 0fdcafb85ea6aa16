//! Reads query strings.

use axum::{extract::Query, http::Uri};
use headwater_numbers::{
    days::Day,
    report::{Group, Metric, Question},
};

use super::error::{ApiError, Kind};
use crate::query::Rows;

/// Most rows of a report, and the largest `limit`.
const MAX_ROWS: usize = 10_000;

/// Most days of a report: ten years.
const MAX_DAYS: i64 = 3_653;

/// Longest part of a wrong value that is told back, characters.
const SHOWN: usize = 60;

/// Names and values, in the order they came.
pub(super) type Pairs = Vec<(String, String)>;

pub(super) fn read(uri: &Uri) -> Result<Pairs, ApiError> {
    let pairs: Result<Query<Pairs>, _> = Query::try_from_uri(uri);
    pairs.map(|Query(pairs)| pairs).map_err(|_| malformed("query", "not name=value pairs"))
}

/// For questions without parameters.
pub(super) fn none(pairs: &Pairs) -> Result<(), ApiError> {
    match pairs.first() {
        None => Ok(()),
        Some((name, _)) => Err(unknown(name, "none")),
    }
}

/// The parameters of `/report`.
pub(super) fn report(pairs: &Pairs) -> Result<(Question, Rows), ApiError> {
    const NAMES: [&str; 5] = ["from", "group_by", "limit", "metric", "to"];
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !NAMES.contains(&&**name)) {
        return Err(unknown(name, &NAMES.join(", ")));
    }
    let metric = required(pairs, "metric")?;
    let metric =
        Metric::named(metric).ok_or_else(|| not_one_of("metric", metric, Metric::ALL.map(Metric::name)))?;
    let (from, to) = (day(pairs, "from")?, day(pairs, "to")?);
    if from > to {
        return Err(unprocessable("from", &format!("{from} is after to, {to}")));
    }
    if to.number() - from.number() >= MAX_DAYS {
        return Err(unprocessable("from", &format!("{from} is more than ten years before to, {to}")));
    }
    let groups = groups(pairs, metric)?;
    let rows = match one(pairs, "limit")? {
        None => Rows::AtMost(MAX_ROWS),
        Some(text) => Rows::First(limit(text)?),
    };
    Ok((Question { metric, from, to, groups }, rows))
}

fn groups(pairs: &Pairs, metric: Metric) -> Result<Vec<Group>, ApiError> {
    let values = pairs.iter().filter(|(name, _)| name == "group_by");
    let names = values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let mut groups = Vec::new();
    for name in names {
        let group =
            Group::named(name).ok_or_else(|| not_one_of("group_by", name, Group::ALL.map(Group::name)))?;
        if groups.contains(&group) {
            return Err(unprocessable("group_by", &format!("{name} twice")));
        }
        if !metric.splits_by(group) {
            let metric = metric.name();
            return Err(unprocessable("group_by", &format!("{metric} cannot be split by {name}")));
        }
        groups.push(group);
    }
    Ok(groups)
}

fn day(pairs: &Pairs, name: &str) -> Result<Day, ApiError> {
    let text = required(pairs, name)?;
    Day::parse(text).map_err(|problem| malformed(name, &format!("{} is {problem}", shown(text))))
}

fn limit(text: &str) -> Result<usize, ApiError> {
    let number = |_| malformed("limit", &format!("{} is not a number", shown(text)));
    let limit: i64 = text.parse().map_err(number)?;
    match usize::try_from(limit) {
        Ok(limit @ 1..=MAX_ROWS) => Ok(limit),
        _ => Err(unprocessable("limit", &format!("{limit} is not between 1 and {MAX_ROWS}"))),
    }
}

fn required<'a>(pairs: &'a Pairs, name: &str) -> Result<&'a str, ApiError> {
    one(pairs, name)?.filter(|value| !value.is_empty()).ok_or_else(|| malformed(name, "missing"))
}

fn one<'a>(pairs: &'a Pairs, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(malformed(name, "given more than once"));
    }
    Ok(value)
}

fn unknown(name: &str, known: &str) -> ApiError {
    ApiError::new(Kind::Malformed, format!("{}: no such parameter (there are: {known})", shown(name)))
}

fn not_one_of<const N: usize>(field: &str, value: &str, names: [&str; N]) -> ApiError {
    unprocessable(field, &format!("{} is not one of {}", shown(value), names.join(", ")))
}

fn malformed(field: &str, problem: &str) -> ApiError {
    ApiError::new(Kind::Malformed, format!("{field}: {problem}"))
}

fn unprocessable(field: &str, problem: &str) -> ApiError {
    ApiError::new(Kind::Unprocessable, format!("{field}: {problem}"))
}

/// Quoted, escaped and not too long.
fn shown(value: &str) -> String {
    let start: String = value.chars().take(SHOWN).collect();
    let rest = if start.len() < value.len() { "…" } else { "" };
    format!("{start:?}{rest}")
}
