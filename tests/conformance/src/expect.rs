//! Compares what is seen with what is expected.

use std::collections::BTreeMap;

use headwater_core::ranges::RangeSet;
use headwater_test_shell::Kind;
use serde_json::Value;

use crate::{
    pattern::{Bindings, expand, matches, name_of},
    server::{number, ranges},
    verbs::{Expected, Server, Storage},
    world::World,
};

/// Losses as ranges, by stream and reason.
type Losses = BTreeMap<(String, String), RangeSet>;

pub(crate) fn requests(world: &mut World, expected: &[Expected]) -> Result<(), String> {
    let seen = world.look();
    if seen.len() != expected.len() {
        let bodies: Vec<_> = seen.clone().map(|at| world.request(at).body.to_string()).collect();
        return Err(format!("expected {} requests, seen {}: {bodies:#?}", expected.len(), seen.len()));
    }
    for (expected, at) in expected.iter().zip(seen) {
        let mut names = std::mem::take(&mut world.names);
        let request = world.request(at);
        request.name.clone_from(&expected.r#as);
        if expected.by.is_some_and(|by| by != request.by) {
            return Err(format!("expected {:?}, left by {:?}: {}", expected.by, request.by, request.body));
        }
        for (pattern, part) in
            [(&expected.body, &request.body), (&expected.batch, &request.body["batches"][0])]
        {
            if let Some(pattern) = pattern {
                matches(pattern, Some(part), &mut names)
                    .map_err(|error| format!("{error}\nin {}", request.body))?;
            }
        }
        world.names = names;
    }
    Ok(())
}

pub(crate) fn storage(world: &mut World, expected: &Storage) -> Result<(), String> {
    let disk = world.device(&expected.device);
    let (contents, segments) = (disk.contents(), disk.kind() == Kind::Phone);
    if let Some(events) = &expected.events {
        let bodies = contents.values().flat_map(|found| &found.events);
        let mut seen: Vec<_> =
            bodies.filter_map(|(_, body)| event(body).as_ref().and_then(name_of)).collect();
        let mut events: Vec<_> = events.iter().flat_map(|name| expand(name)).collect();
        if segments {
            // What is settled may still be there.
            seen.retain(|name| events.contains(name));
        }
        seen.sort();
        events.sort();
        if seen != events {
            return Err(format!("expected events {events:?}, the journal holds {seen:?}"));
        }
    }
    if let Some(lost) = &expected.lost {
        let losses = contents.iter().flat_map(|(stream, found)| {
            let named =
                found.losses.iter().flat_map(|(from, to, reason)| (*from..*to).map(move |seq| (seq, reason)));
            named.map(|(seq, reason)| ((stream.to_string(), seq), reason.as_str().to_owned()))
        });
        same_losses(lost, ranges(losses), &mut world.names)?;
    }
    match expected.streams {
        Some(streams) if streams != contents.len() => {
            Err(format!("expected {streams} streams, there are {}: {:?}", contents.len(), contents.keys()))
        }
        _ => Ok(()),
    }
}

pub(crate) fn server(world: &mut World, expected: &Server) -> Result<(), String> {
    let books = &world.books;
    if let Some(counted) = &expected.counted {
        let mut counted: Vec<_> = counted.iter().flat_map(|name| expand(name)).collect();
        let mut seen = books.counted_names();
        counted.sort();
        seen.sort();
        if seen != counted {
            return Err(format!("expected to be counted: {counted:?}, seen {seen:?}"));
        }
    }
    if let Some(refused) = &expected.refused
        && *refused != books.refused()
    {
        return Err(format!("expected refused: {refused:?}, seen {:?}", books.refused()));
    }
    if let Some(lost) = &expected.lost {
        // An arrival takes a name back.
        let losses = books.lost.iter().filter(|(event, _)| !books.counted.contains(*event));
        let losses = ranges(losses.map(|(event, reason)| (event.clone(), reason.clone())));
        same_losses(lost, losses, &mut world.names)?;
    }
    if let Some(ended) = &expected.ended {
        let mut left: Vec<&String> = world.books.ended.iter().collect();
        for name in ended.iter().filter_map(Value::as_str) {
            let bound = world.names.get(name).map(str::to_owned);
            let is_it = |id: &&String| match &bound {
                Some(bound) => *id == bound,
                None => !world.names.has_value(id),
            };
            let at = left.iter().position(is_it).ok_or_else(|| format!("{name} did not end"))?;
            let id = left.remove(at);
            world.names.bind(name, id)?;
        }
        if !left.is_empty() {
            return Err(format!("these ended too: {left:?}"));
        }
    }
    Ok(())
}

/// The event of a body, which has no opening brace.
pub(crate) fn event(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(&[b"{", body].concat()).ok()
}

/// Compares losses; a name that stands for no stream yet is given to one with the same losses.
fn same_losses(expected: &[Value], mut seen: Losses, names: &mut Bindings) -> Result<(), String> {
    let all = format!("{seen:?}");
    let mut wanted: Losses = BTreeMap::new();
    for loss in expected {
        let [stream, from, to, reason] = loss.as_array().map_or(&[][..], Vec::as_slice) else {
            return Err(format!("a loss is [stream, from, to, reason], not {loss}"));
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let range = (number(from)?, number(to)?);
        wanted.entry((text(stream), text(reason))).or_default().insert_range(range.0, range.1);
    }
    for ((name, reason), range) in wanted {
        let bound = names.get(&name).map(str::to_owned);
        let is_it = |(stream, of): &&(String, String)| {
            let same_stream = bound.as_ref().map_or(!names.has_value(stream), |bound| bound == stream);
            *of == reason && same_stream && seen[&(stream.clone(), of.clone())] == range
        };
        let key = seen.keys().find(is_it).cloned();
        let key = key.ok_or_else(|| format!("expected lost of {name}: {range:?} {reason}, seen {all}"))?;
        names.bind(&name, &key.0)?;
        seen.remove(&key);
    }
    if seen.is_empty() { Ok(()) } else { Err(format!("lost too: {seen:?}")) }
}
