//! Records for tests, of this crate and of those that drive it.

use headwater_schema::Uuid;
use serde_json::{Value, json};

/// 2024-03-13 08:53:20 UTC.
pub const T0: i64 = 1_710_320_000_000;

/// The UUID of a stream, as text.
#[must_use]
pub fn stream_id(number: u64) -> String {
    Uuid::from_u128(u128::from(number) << 64 | 0xabc).to_string()
}

/// A page view of a stream.
#[must_use]
pub fn event(site: &str, stream: u64, seq: u32) -> Value {
    let at = T0 + i64::from(seq) * 1000;
    json!({
        "event_id": Uuid::from_u128(u128::from(stream) << 32 | u128::from(seq)).to_string(),
        "stream": stream_id(stream), "seq": seq, "site_id": site, "client_id": format!("client-{stream}"),
        "session_id": format!("session-{stream}"), "event_type": "pageview", "url": format!("/{}", seq % 3),
        "timestamp": at, "ts": at, "sent_at": at + 5, "received_at": at + 10, "schema_version": 1,
    })
}

/// A click without a stream.
#[must_use]
pub fn plain(site: &str, id: u128, received_at: i64) -> Value {
    json!({
        "event_id": Uuid::from_u128(id).to_string(), "site_id": site, "client_id": "c", "event_type": "click",
        "timestamp": T0, "ts": T0, "sent_at": T0, "received_at": received_at, "schema_version": 1,
    })
}

/// A ledger record of a stream.
#[must_use]
pub fn ledger(site: &str, stream: u64, at: [u32; 2], lost: &Value) -> Value {
    json!({
        "event_type": "$ledger", "site_id": site, "stream": stream_id(stream), "client_id": "c", "at": at,
        "lost": lost, "by": "sdk", "received_at": T0, "sent_at": T0,
    })
}

/// Records of a few streams in disorder: events, copies, losses, end claims, drops, plain events. The server received
/// what has no stream at `received_at`: its names are kept for a while only.
#[must_use]
pub fn any_records(seed: u64, received_at: i64) -> Vec<Value> {
    let mut random = fastrand::Rng::with_seed(seed);
    let reasons = ["queue_full", "storage", "vanished", "newer_than_we_are"];
    let records = (0..random.usize(50..400)).map(|_| {
        let (stream, seq) = (random.u64(0..6), random.u32(0..60));
        match random.u32(0..10) {
            0 => plain("shop", random.u128(0..30), received_at),
            1 => {
                let lost = json!([[seq, seq + random.u32(0..9), random.choice(reasons)]]);
                ledger("shop", stream, [seq / 2, seq + random.u32(0..5)], &lost)
            }
            2 => {
                let mut said = ledger("shop", stream, [seq, seq], &json!([]));
                said["end"] = random.bool().into();
                said["refused"] = json!({ "sampled": random.u32(0..9) });
                said["sent_at"] = (T0 + i64::from(seq) * 1000).into();
                said
            }
            3 => json!({
                "event_type": "$ledger", "site_id": "shop", "by": "collector", "unnamed": { "rejected": seq },
                "received_at": received_at, "sent_at": 0,
            }),
            _ => event("shop", stream, seq),
        }
    });
    records.collect()
}
