//! What a user agent and its Client Hints say: device, system, browser, and whether it is a robot.
//!
//! ```text
//! headers ─ Agent::read ─→ judge ─→ Software ─→ the collector's Surroundings      (native: nothing else is passed on)
//! a worker has no room for tables: the event carries the headers ─→ resolve, in the bridge
//! ```
//!
//! Browser and system are by the tables of uap-core, robots by the patterns of crawler-user-agents and what robots call
//! themselves, the kind of device by the words that its user agents have. Client Hints go before the user agent, which
//! newer browsers have frozen. The names are the tables': `Chrome Mobile`, `Mobile Safari`, `iOS`.
//!
//! **Invariant, bounds:** what was made of the last [`REMEMBERED`] different senders is remembered; a user agent is at most
//! as long as [`Agent::read`] lets it be, and the expressions take time linear in it.
//!
//! How well they do is counted by `tests/quality`, exactly; the figures are in `README.md`.
//!
//! Where a new browser goes: with the next release of `ua-parser`; the test that compares `data/` with it writes it anew
//! (`HEADWATER_WRITE_TABLES=1`). A brand of Client Hints: `hints`. A kind of device: `device`.

mod agents;
mod device;
mod hints;
mod record;
mod robots;

use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use headwater_schema::{Agent, Software};
use lru::LruCache;

pub use record::{resolve, resolve_lines};

use crate::{agents::Agents, hints::Hints, robots::Robots};

/// Senders that are remembered, about 600 bytes each. A site sees some thousand different user agents a day.
pub const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Compiled by the first who asks; never again.
static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

/// What was made of senders before, by their headers.
static KNOWN: LazyLock<Mutex<LruCache<String, Arc<Software>>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));

/// Compiles the tables on a thread of its own, so that the first request need not wait for them as long.
pub fn warm() {
    // Without a thread the first request does it.
    let _ = thread::Builder::new().name("hw-tables".to_owned()).spawn(|| {
        LazyLock::force(&TABLES);
    });
}

/// What the headers say. Of none, nothing.
#[must_use]
pub fn judge(agent: &Agent<'_>) -> Arc<Software> {
    let key = key(agent);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(known);
    }
    let software = Arc::new(judge_anew(agent));
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&software));
    software
}

/// [`judge`] without what is remembered, for those who measure it.
#[must_use]
pub fn judge_anew(agent: &Agent<'_>) -> Software {
    TABLES.judge(agent)
}

fn key(agent: &Agent<'_>) -> String {
    let mut key = String::with_capacity(256);
    for (name, value) in agent.headers() {
        key.extend([name, ":", value, "\n"]);
    }
    key
}

struct Tables {
    agents: Agents,
    robots: Robots,
}

impl Tables {
    fn new() -> Self {
        Self { agents: Agents::new(), robots: Robots::new() }
    }

    fn judge(&self, agent: &Agent<'_>) -> Software {
        let user_agent = agent.get("user-agent").unwrap_or_default();
        let hints = Hints::of(agent);
        let is_robot = hints.is_headless || self.robots.has(user_agent);
        let says_something = agent.headers().next().is_some();
        let (browser, version) = self.agents.browser(user_agent).unzip();
        let version = version.flatten();
        let model = agent.get("sec-ch-ua-model").unwrap_or_default();
        let device = match device::kind(user_agent, model) {
            _ if is_robot => Some("bot"),
            // A television with Android says that it is not mobile, as a tablet does.
            Some(kind @ ("console" | "tv" | "wearable")) => Some(kind),
            kind => hints.device.or(kind),
        };
        Software {
            device: device.map(str::to_owned),
            os: hints.os.map(str::to_owned).or_else(|| self.agents.system(user_agent)),
            browser_version: match (hints.browser, hints.version) {
                (Some(_), Some(hint)) => Some(finer(hint, version)),
                _ => version,
            },
            browser: hints.browser.map(str::to_owned).or(browser),
            bot: says_something.then(|| is_robot || robots::loads_ahead(agent)),
        }
    }
}

/// The version of a hint may be the major one only; the user agent's says more if it begins with it.
fn finer(hint: String, user_agent: Option<String>) -> String {
    let goes_on = |version: &String| version.strip_prefix(&*hint).is_some_and(|rest| rest.starts_with('.'));
    user_agent.filter(goes_on).unwrap_or(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/142.0.0.0 Safari/537.36";

    fn judged(headers: &[(&str, &str)]) -> Software {
        let agent =
            Agent::read(|name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value));
        let software = judge(&agent);
        assert_eq!(*software, judge_anew(&agent), "what is remembered is what is found");
        assert!(Arc::ptr_eq(&software, &judge(&agent)), "it is remembered");
        Software::clone(&software)
    }

    fn software(device: &str, os: &str, browser: &str, version: &str, bot: bool) -> Software {
        let [device, os, browser, browser_version] =
            [device, os, browser, version].map(|text| Some(text.to_owned()));
        Software { device, os, browser, browser_version, bot: Some(bot) }
    }

    #[test]
    fn a_user_agent_alone_is_enough() {
        assert_eq!(
            judged(&[("user-agent", CHROME)]),
            software("desktop", "Windows", "Chrome", "142.0.0.0", false)
        );
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";
        let expected = software("phone", "iOS", "Mobile Safari", "18.6", false);
        assert_eq!(judged(&[("user-agent", safari)]), expected);
    }

    #[test]
    fn hints_go_before_the_user_agent() {
        let brave = [
            ("user-agent", CHROME),
            ("sec-ch-ua", r#""Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99""#),
            ("sec-ch-ua-mobile", "?0"),
            ("sec-ch-ua-platform", r#""Windows""#),
        ];
        assert_eq!(judged(&brave), software("desktop", "Windows", "Brave", "142.0.0.0", false));
        let headless = [("user-agent", CHROME), ("sec-ch-ua", r#""HeadlessChrome";v="142""#)];
        let found = judged(&headless);
        assert_eq!((found.bot, found.device.as_deref()), (Some(true), Some("bot")));
    }

    #[test]
    fn robots_and_pages_loaded_ahead_are_no_visits() {
        let google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        for robot in [google, "curl/8.5.0", "python-requests/2.32.3", "Mozilla/5.0 HeadlessChrome/142.0.0.0"]
        {
            let found = judged(&[("user-agent", robot)]);
            assert_eq!((found.bot, found.device.as_deref()), (Some(true), Some("bot")), "{robot}");
        }
        for (header, value) in
            [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")]
        {
            let found = judged(&[("user-agent", CHROME), (header, value)]);
            assert_eq!((found.bot, found.device.as_deref()), (Some(true), Some("desktop")), "{header}");
        }
        let cubot = "Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/120.0.0.0 Mobile Safari/537.36";
        assert_eq!(judged(&[("user-agent", cubot)]).bot, Some(false));
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        assert_eq!(judged(&[]), Software::default());
    }
}
