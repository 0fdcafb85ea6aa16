//! A server's books, and what holds for every request of every scenario.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::ranges::RangeSet;
use serde_json::Value;

use crate::pattern::name_of;

/// What the requests that were taken amount to, and what was ever seen.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) counted: BTreeSet<(String, u32)>,
    names: BTreeMap<(String, u32), String>,
    /// The first reason told of an event counts.
    pub(crate) lost: BTreeMap<(String, u32), String>,
    pub(crate) ended: BTreeSet<String>,
    refused: BTreeMap<(String, String), u64>,
    rejected: BTreeSet<(String, u32)>,
    headers: BTreeMap<String, [Value; 3]>,
    events: BTreeMap<(String, u32), Value>,
}

impl Books {
    /// Names of the events that are counted.
    pub(crate) fn counted_names(&self) -> Vec<String> {
        let counted = self.counted.iter().filter(|event| !self.rejected.contains(*event));
        counted.map(|event| self.names[event].clone()).collect()
    }

    /// Counters by verdict.
    pub(crate) fn refused(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for ((_, verdict), total) in &self.refused {
            *sums.entry(verdict.clone()).or_default() += total;
        }
        sums
    }

    /// Whether these could be the words of an SDK, whatever the scenario.
    pub(crate) fn check(&mut self, body: &Value) -> Result<(), String> {
        let [batch] = &body["batches"].as_array().ok_or("no batches")?[..] else {
            return Err("a request has one batch".into());
        };
        let stream = text(batch, "stream")?;
        let (done, head) = at(batch)?;
        if done > head {
            return Err(format!("at: [{done}, {head}]"));
        }
        let events = batch["events"].as_array().ok_or("no events")?;
        let header = ["client_id", "user_id", "context"].map(|member| batch[member].clone());
        if !header[0].is_null() {
            let known = self.headers.entry(stream.clone()).or_insert_with(|| header.clone());
            if *known != header {
                return Err(format!("the header of {stream} was {known:?} and is {header:?}"));
            }
        } else if !events.is_empty() {
            return Err(format!("events of {stream} without its header"));
        }
        let mut last = None;
        for event in events {
            let seq = number(&event["seq"])?;
            if last.is_some_and(|last| last >= seq) {
                return Err(format!("seq {seq} after {last:?}"));
            }
            last = Some(seq);
            self.check_event(&stream, seq, event)?;
        }
        Ok(())
    }

    fn check_event(&mut self, stream: &str, seq: u32, event: &Value) -> Result<(), String> {
        let mut event = event.clone();
        event.as_object_mut().ok_or("an event is an object")?.remove("session_id");
        let ts = |event: &Value| event["ts"].as_u64().ok_or_else(|| format!("ts of {event}"));
        let this = ts(&event)?;
        let of_stream = |seq: &u32| (stream.to_owned(), *seq);
        if let Some(known) = self.events.get(&of_stream(&seq))
            && *known != event
        {
            return Err(format!("event {seq} of {stream} was {known} and is {event}"));
        }
        let before = self.events.range(of_stream(&0)..of_stream(&seq)).next_back();
        let after = self.events.range(of_stream(&(seq + 1))..=of_stream(&u32::MAX)).next();
        if before.is_some_and(|(_, event)| event["ts"].as_u64() >= Some(this))
            || after.is_some_and(|(_, event)| event["ts"].as_u64() <= Some(this))
        {
            return Err(format!("ts of event {seq} of {stream} is not between its neighbours'"));
        }
        self.events.insert(of_stream(&seq), event);
        Ok(())
    }

    /// The server takes a request, but for the events it rejects.
    pub(crate) fn take(&mut self, body: &Value, rejected: &[u32]) -> Result<(), String> {
        let batch = &body["batches"][0];
        let stream = text(batch, "stream")?;
        for event in batch["events"].as_array().into_iter().flatten() {
            let key = (stream.clone(), number(&event["seq"])?);
            if rejected.contains(&key.1) {
                self.rejected.insert(key.clone());
            }
            self.names.insert(key.clone(), name_of(event).ok_or("an event without a type")?);
            self.counted.insert(key);
        }
        for loss in batch["lost"].as_array().into_iter().flatten() {
            let reason = loss[2].as_str().ok_or("a loss without a reason")?;
            for seq in number(&loss[0])?..number(&loss[1])? {
                self.lost.entry((stream.clone(), seq)).or_insert_with(|| reason.to_owned());
            }
        }
        for (verdict, total) in batch["refused"].as_object().into_iter().flatten() {
            let known = self.refused.entry((stream.clone(), verdict.clone())).or_default();
            *known = total.as_u64().ok_or("a counter is a number")?.max(*known);
        }
        if batch["end"] == true {
            self.ended.insert(stream.clone());
        }
        for seq in 0..at(batch)?.0 {
            let key = (stream.clone(), seq);
            if !self.counted.contains(&key) && !self.lost.contains_key(&key) {
                return Err(format!("event {seq} of {stream} is below done, and nobody carried or named it"));
            }
        }
        Ok(())
    }
}

/// Losses as ranges, by stream and reason.
pub(crate) fn ranges(
    losses: impl IntoIterator<Item = ((String, u32), String)>,
) -> BTreeMap<(String, String), RangeSet> {
    let mut ranges = BTreeMap::<_, RangeSet>::new();
    for ((stream, seq), reason) in losses {
        ranges.entry((stream, reason)).or_default().insert(seq);
    }
    ranges
}

pub(crate) fn number(value: &Value) -> Result<u32, String> {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| format!("{value} is no u32"))
}

fn text(object: &Value, member: &str) -> Result<String, String> {
    object[member].as_str().map(str::to_owned).ok_or_else(|| format!("no {member} in {object}"))
}

fn at(batch: &Value) -> Result<(u32, u32), String> {
    Ok((number(&batch["at"][0])?, number(&batch["at"][1])?))
}
