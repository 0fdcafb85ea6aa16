//! Turns what was read into the JSON that the record would have been.

use apache_avro::types::Value;
use serde_json::value::RawValue;

/// Beyond it a schema is not one of ours.
const MOST_DEPTH: usize = 8;

/// Fields whose records are arrays in JSON.
const TUPLES: [&str; 2] = ["at", "lost"];

/// The field whose text is JSON already.
const RAW: &str = "props";

/// The JSON of a value, if it is an object.
pub(crate) fn text(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(768);
    let is_record = matches!(inner(value), Value::Record(_));
    (is_record && write(value, "", 0, &mut out).is_some()).then_some(out)
}

fn inner(value: &Value) -> &Value {
    match value {
        Value::Union(_, value) => inner(value),
        value => value,
    }
}

fn is_absent(value: &Value) -> bool {
    matches!(value, Value::Union(_, nothing) if **nothing == Value::Null)
}

/// `field` is the nearest one that the value is in.
fn write(value: &Value, field: &str, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    // apache-avro reads a null where the bytes end; one that was written is in a union.
    if depth > MOST_DEPTH || matches!(value, Value::Null) {
        return None;
    }
    match inner(value) {
        Value::Null => out.extend(b"null"),
        Value::Boolean(value) => out.extend(if *value { &b"true"[..] } else { b"false" }),
        Value::Int(value) => out.extend(value.to_string().bytes()),
        Value::Long(value) => out.extend(value.to_string().bytes()),
        Value::Float(value) => serde_json::to_writer(out, value).ok()?,
        Value::Double(value) => serde_json::to_writer(out, value).ok()?,
        Value::String(text) if field == RAW && serde_json::from_str::<&RawValue>(text).is_ok() => {
            out.extend(text.as_bytes());
        }
        Value::String(text) | Value::Enum(_, text) => serde_json::to_writer(out, text).ok()?,
        Value::Array(items) => list(items.iter(), field, depth, out)?,
        Value::Map(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            object(entries.into_iter().map(|(name, value)| (name, value, "")), depth, out)?;
        }
        Value::Record(fields) if TUPLES.contains(&field) => {
            list(fields.iter().map(|(_, value)| value), "", depth, out)?;
        }
        Value::Record(fields) => {
            let known = fields.iter().filter(|(_, value)| !is_absent(value));
            object(known.map(|(name, value)| (name, value, name.as_str())), depth, out)?;
        }
        _ => return None,
    }
    Some(())
}

fn list<'a>(
    items: impl Iterator<Item = &'a Value>,
    field: &str,
    depth: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.push(b'[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, field, depth + 1, out)?;
    }
    out.push(b']');
    Some(())
}

fn object<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Value, &'a str)>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.push(b'{');
    for (at, (name, value, field)) in entries.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name).ok()?;
        out.push(b':');
        write(value, field, depth + 1, out)?;
    }
    out.push(b'}');
    Some(())
}
