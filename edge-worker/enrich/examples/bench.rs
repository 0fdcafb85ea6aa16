//! What a verdict costs a collector: a request of one event through all verbs, by what is known of its sender. `cargo
//! xtask bench enrich` builds this in release and shows what it prints: a JSON list `[name, value, unit]` per line.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{collections::BTreeSet, fs, hint::black_box, sync::Arc, time::Instant};

use headwater_collector::{Credentials, Program, SeenCache, Sites, Surroundings, decode, inflate};
use headwater_enrich::{judge, judge_anew};
use headwater_schema::Agent;
use serde::Deserialize;

/// Each way is measured this often, in turn with the others; the median counts.
const ROUNDS: usize = 11;

/// A page view as our SDK sends it, alone.
const BODY: &str = r#"{"v":1,"site_id":"site-123","sent_at":1710320010123,"batches":[{"stream":"01905d1e-7c00-4abc-9def-0123456789ab","client_id":"0190-c","user_id":null,"context":{"sdk":"web/0.1.0","platform":"web","app_version":null,"device_id":null,"locale":"en-GB","tz":"Europe/London","screen":"1512x982"},"at":[0,1],"events":[{"seq":0,"type":"pageview","ts":1710320000123,"session_id":"0190-s","url":"/pricing?plan=pro&utm_source=news","referrer":"https://www.google.com/"}]}]}"#;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Visitor {
    user_agent: String,
}

fn main() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/quality/node_modules/user-agents/dist/user-agents.json");
    let text = fs::read_to_string(file).expect("the lists of `cargo xtask setup`");
    let visitors: Vec<Visitor> = serde_json::from_str(&text).expect("a list of visitors");
    let agents: BTreeSet<String> = visitors.into_iter().map(|visitor| visitor.user_agent).collect();

    let began = Instant::now();
    black_box(judge_anew(&agent("x")));
    row("tables compiled, once in a process", began.elapsed().as_secs_f64() * 1e3, "ms");

    let (mut nobody, mut known, mut anew) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        nobody.push(each(&agents, |_| Program::Unknown));
        known.push(each(&agents, |text| Program::Known(judge(&agent(text)))));
        anew.push(each(&agents, |text| Program::Known(Arc::new(judge_anew(&agent(text))))));
    }
    let [nobody, known, anew] = [nobody, known, anew].map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    row("different user agents", u32::try_from(agents.len()).expect("few"), "");
    row("a request of one event, nobody looks", nobody, "µs");
    row("a request of one event, sender known", known, "µs");
    row("a request of one event, sender known, goal", 8, "µs");
    row("a request of one event, sender known, against nobody looks", known / nobody, "×");
    row("a request of one event, sender new", anew, "µs");
    row("a request of one event, sender new, goal", 25, "µs");
    row("a request of one event, sender new, against nobody looks", anew / nobody, "×");
}

fn agent(user_agent: &str) -> Agent<'_> {
    Agent::read(|name| (name == "user-agent").then_some(user_agent))
}

/// Microseconds of a request.
fn each<'a>(agents: &'a BTreeSet<String>, program: impl Fn(&'a str) -> Program<'a>) -> f64 {
    let (sites, seen) = (Sites::open(), &mut SeenCache::default());
    let began = Instant::now();
    for text in agents {
        let body = inflate(BODY.as_bytes()).expect("a body");
        let surroundings = Surroundings { program: program(text), ..Surroundings::default() };
        let decoded = decode(&body).expect("a request").authorise(&sites, &Credentials::default());
        let admitted = decoded.expect("any site").admit(1_710_320_010_200).expect("good events");
        let fresh = admitted.look_up(|stream, seq| seen.contains(stream, seq));
        let mut forwarding = fresh.enrich(surroundings).forward();
        black_box(forwarding.take_records());
        black_box(forwarding.answered(Ok(())).reply());
    }
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let requests = agents.len() as f64;
    began.elapsed().as_secs_f64() * 1e6 / requests
}

fn row(name: &str, value: impl Into<serde_json::Value>, unit: &str) {
    println!("{}", serde_json::json!([name, value.into(), unit]));
}
