//! Patterns of what is expected, and the names they give to values.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values that names stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings(BTreeMap<String, String>);

impl Bindings {
    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether some name stands for this value.
    pub(crate) fn has_value(&self, value: &str) -> bool {
        self.0.values().any(|bound| bound == value)
    }

    /// Lets a name stand for a value, from here on; no other name may.
    pub(crate) fn bind(&mut self, name: &str, value: &str) -> Result<(), String> {
        match self.0.get(name) {
            Some(bound) if bound == value => return Ok(()),
            Some(bound) => return Err(format!("{name} is {bound}, not {value}")),
            None => {}
        }
        if let Some((other, _)) = self.0.iter().find(|(_, bound)| *bound == value) {
            return Err(format!("{name} would be {value}, which is {other}"));
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Compares what is there (nothing, for a member that is not) with a pattern. The error says where they part.
pub(crate) fn matches(pattern: &Value, seen: Option<&Value>, names: &mut Bindings) -> Result<(), String> {
    let differ = || {
        let seen = seen.map_or("nothing".to_owned(), Value::to_string);
        Err(format!("expected {pattern}, seen {seen}"))
    };
    match pattern {
        Value::String(name) if name.starts_with('$') => match seen {
            Some(Value::String(value)) => names.bind(name, value),
            _ => differ(),
        },
        Value::Object(rule) if rule.keys().any(|key| key.starts_with('$')) => {
            for (key, argument) in rule {
                if key == "$all" {
                    let Some(Value::Array(list)) = seen else { return differ() };
                    for (at, element) in list.iter().enumerate() {
                        matches(argument, Some(element), names)
                            .map_err(|error| format!("[{at}]: {error}"))?;
                    }
                } else if !holds(key, argument, seen)? {
                    return differ();
                }
            }
            Ok(())
        }
        Value::Object(members) => {
            let Some(Value::Object(object)) = seen else { return differ() };
            for (member, pattern) in members {
                matches(pattern, object.get(member), names).map_err(|error| format!("{member}: {error}"))?;
            }
            Ok(())
        }
        Value::Array(patterns) => {
            let list = match seen {
                Some(Value::Array(list)) => &list[..],
                None | Some(Value::Null) => &[],
                Some(_) => return differ(),
            };
            if list.len() != patterns.len() {
                return Err(format!("expected {} elements, seen {}: {seen:?}", patterns.len(), list.len()));
            }
            for (at, (pattern, element)) in patterns.iter().zip(list).enumerate() {
                matches(pattern, Some(element), names).map_err(|error| format!("[{at}]: {error}"))?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(false) if seen.is_none_or(|seen| seen == pattern) => Ok(()),
        pattern => {
            if seen == Some(pattern) {
                Ok(())
            } else {
                differ()
            }
        }
    }
}

fn holds(rule: &str, argument: &Value, seen: Option<&Value>) -> Result<bool, String> {
    let is_there = seen.is_some_and(|seen| !seen.is_null());
    Ok(match rule {
        "$absent" => !is_there,
        "$any" => is_there,
        "$between" => {
            let bounds = argument.as_array().map(Vec::as_slice);
            let Some([least, most]) = bounds else { return Err(format!("$between of {argument}")) };
            let (least, most) = (least.as_f64(), most.as_f64());
            seen.and_then(Value::as_f64).is_some_and(|seen| Some(seen) >= least && Some(seen) <= most)
        }
        "$count" => {
            seen.and_then(Value::as_array).is_some_and(|list| Some(list.len() as u64) == argument.as_u64())
        }
        "$names" => {
            let list = seen.and_then(Value::as_array);
            list.is_some_and(|list| list.iter().map(name_of).eq(names(argument).into_iter().map(Some)))
        }
        rule => return Err(format!("unknown rule {rule}")),
    })
}

/// What a scenario calls an event.
pub(crate) fn name_of(event: &Value) -> Option<String> {
    ["name", "url", "type"].into_iter().find_map(|member| event[member].as_str()).map(str::to_owned)
}

/// Names, with `e0..e49` written out.
pub(crate) fn names(list: &Value) -> Vec<String> {
    match list {
        Value::String(text) => expand(text),
        Value::Array(list) => list.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

/// One name, or those from one number to another.
pub(crate) fn expand(text: &str) -> Vec<String> {
    let split = |text: &str| {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (stem, number) = text.split_at(text.len() - digits);
        Some((stem.to_owned(), number.parse::<u32>().ok()?))
    };
    let ends = text.split_once("..").and_then(|(from, to)| Some((split(from)?, split(to)?)));
    match ends {
        Some(((stem, from), (other, to))) if stem == other => {
            (from..=to).map(|n| format!("{stem}{n}")).collect()
        }
        _ => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn test(pattern: &Value, seen: &Value) -> Result<(), String> {
        matches(pattern, Some(seen), &mut Bindings::default())
    }

    #[test]
    fn members_that_are_not_named_are_not_looked_at() {
        test(&json!({"a": 1, "end": false, "lost": [], "user": null}), &json!({"a": 1, "b": 2}))
            .expect("a match");
        test(&json!({"a": 1}), &json!({"a": 2})).expect_err("another number");
        test(&json!({"end": false}), &json!({"end": true})).expect_err("it is there");
        test(&json!({"a": [1]}), &json!({"a": [1, 2]})).expect_err("another length");
    }

    #[test]
    fn a_name_stands_for_one_value_and_a_value_for_one_name() {
        test(&json!(["$a", "$b", "$a"]), &json!(["x", "y", "x"])).expect("a match");
        test(&json!(["$a", "$a"]), &json!(["x", "y"])).expect_err("two values");
        test(&json!(["$a", "$b"]), &json!(["x", "x"])).expect_err("two names");
        test(&json!("$a"), &json!(null)).expect_err("nothing to name");
    }

    #[test]
    fn each_rule_holds_for_what_it_says_and_nothing_else() {
        for (rule, yes, no) in [
            (json!({"$absent": true}), json!(null), json!(0)),
            (json!({"$any": true}), json!(0), json!(null)),
            (json!({"$between": [1, 2]}), json!(2), json!(2.5)),
            (json!({"$count": 1}), json!([7]), json!([])),
            (
                json!({"$names": ["e0..e1", "x"]}),
                json!([{"name": "e0"}, {"url": "e1"}, {"type": "x"}]),
                json!([]),
            ),
        ] {
            test(&rule, &yes).expect("a match");
            test(&rule, &no).expect_err("no match");
        }
        test(&json!({"$other": 1}), &json!(1)).expect_err("an unknown rule");
    }
}
