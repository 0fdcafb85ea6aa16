//! The sites, from KV: as JSON, read again after a minute.

use std::{cell::RefCell, rc::Rc};

use headwater_collector::{Sites, Unavailable};
use headwater_edge::unavailable;
use worker::{Env, console_error};

use crate::io;

/// The key in the namespace `SITES`.
const KEY: &str = "sites.json";

/// For so long, in ms, what was read holds.
const KEPT_MS: i64 = 60_000;

/// For so long, in s, Cloudflare's own cache of the place holds it: the least that it allows.
const CACHED_S: u64 = 60;

thread_local! {
    static READ: RefCell<Option<(i64, Rc<Sites>)>> = const { RefCell::new(None) };
}

/// The sites as they were within the last minute; those of before, as long as they cannot be read.
pub(crate) async fn sites(env: &Env) -> Result<Rc<Sites>, Unavailable> {
    let now = io::now_ms();
    let known = READ.with_borrow(Clone::clone);
    if let Some((read_at, sites)) = &known
        && now - read_at < KEPT_MS
    {
        return Ok(Rc::clone(sites));
    }
    match read(env).await {
        Ok(sites) => {
            let sites = Rc::new(sites);
            READ.replace(Some((now, Rc::clone(&sites))));
            Ok(sites)
        }
        Err(why) => {
            console_error!("SITES: {why}");
            known.map(|(_, sites)| sites).ok_or_else(|| unavailable("the sites cannot be read"))
        }
    }
}

async fn read(env: &Env) -> Result<Sites, String> {
    let kv = env.kv("SITES").map_err(|error| error.to_string())?;
    let text = kv.get(KEY).cache_ttl(CACHED_S).text().await.map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("no key {KEY}"))?;
    Sites::from_json(&text).map_err(|error| error.to_string())
}
