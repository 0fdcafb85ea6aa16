//! What a sender says about its stream beside the events: how far it is, what it lost, what it refused.

use std::collections::BTreeMap;

use headwater_schema::{At, Lost};

use crate::{Refusal, decode::Text, limits};

/// The sender's word, checked against the caps for forgers. What an honest client can say always passes.
#[derive(Debug, Default)]
pub(crate) struct Word {
    pub(crate) at: Option<At>,
    pub(crate) end: bool,
    pub(crate) lost: Vec<Lost>,
    pub(crate) refused: BTreeMap<String, u64>,
}

impl Word {
    pub(crate) fn check(
        path: &str,
        at: Option<[u32; 2]>,
        end: Option<bool>,
        lost: Option<Vec<(u32, u32, Text<'_>)>>,
        refused: Option<BTreeMap<Text<'_>, u64>>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            at: at.map(|at| check_at(path, at)).transpose()?,
            end: end.unwrap_or(false),
            lost: check_lost(path, lost.unwrap_or_default())?,
            refused: check_refused(path, refused.unwrap_or_default())?,
        })
    }
}

fn check_at(path: &str, [done, head]: [u32; 2]) -> Result<At, Refusal> {
    if done > head {
        return Err(Refusal::field(format_args!("{path}at"), format_args!("done {done} above head {head}")));
    }
    if head > limits::HEAD {
        let what = format_args!("head {head} above {}", limits::HEAD);
        return Err(Refusal::field(format_args!("{path}at[1]"), what));
    }
    Ok(At { done, head })
}

fn check_lost(path: &str, lost: Vec<(u32, u32, Text<'_>)>) -> Result<Vec<Lost>, Refusal> {
    if lost.len() > limits::LOST_RANGES {
        let what = format_args!("{} ranges, more than {}", lost.len(), limits::LOST_RANGES);
        return Err(Refusal::field(format_args!("{path}lost"), what));
    }
    let check = |(index, (from, to, reason)): (usize, (u32, u32, Text<'_>))| {
        let field = || format!("{path}lost[{index}]");
        if from >= to {
            return Err(Refusal::field(field(), format_args!("an empty range, {from} to {to}")));
        }
        if to > limits::HEAD {
            return Err(Refusal::field(field(), format_args!("{to} above {}", limits::HEAD)));
        }
        if !is_reason(&reason) {
            return Err(Refusal::field(field() + "[2]", NO_REASON));
        }
        Ok(Lost { from, to, reason: reason.0.into_owned() })
    };
    lost.into_iter().enumerate().map(check).collect()
}

fn check_refused(path: &str, refused: BTreeMap<Text<'_>, u64>) -> Result<BTreeMap<String, u64>, Refusal> {
    if refused.len() > limits::REFUSED_KINDS {
        let what = format_args!("{} verdicts, more than {}", refused.len(), limits::REFUSED_KINDS);
        return Err(Refusal::field(format_args!("{path}refused"), what));
    }
    let check = |(verdict, count): (Text<'_>, u64)| {
        if !is_reason(&verdict) {
            return Err(Refusal::field(format_args!("{path}refused"), NO_REASON));
        }
        if count > limits::REFUSED_COUNT {
            let what = format_args!("{count} above {}", limits::REFUSED_COUNT);
            return Err(Refusal::field(format_args!("{path}refused.{}", &*verdict), what));
        }
        Ok((verdict.0.into_owned(), count))
    };
    refused.into_iter().map(check).collect()
}

const NO_REASON: &str = "a word is 1 to 64 lower-case ASCII letters, digits or `_`";

fn is_reason(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= limits::REASON_BYTES
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
