//! A typical event: a shop's, as the browser's shell writes it (`sdk-web/ts/event.ts`, `stream.ts`). Six of ten are page
//! views, the others have a name and properties.

use fastrand::Rng;

/// Its text as a journal keeps it: JSON without the opening brace.
#[must_use]
pub fn body(rng: &mut Rng, ts: u64) -> String {
    let product = rng.u32(100..10_000);
    let shelf = ["shoes", "winter-jackets", "bags", "outlet"][rng.usize(..4)];
    let url = if rng.u8(..2) == 0 {
        format!("/products/{shelf}/{product}")
    } else {
        format!("/search?q={shelf}&page={}", rng.u8(1..20))
    };
    let known = format!(r#""ts":{ts},"type":"#);
    match rng.u8(..10) {
        0..6 => {
            let from = format!("https://shop.example/{shelf}?page={}", rng.u8(1..20));
            format!(r#"{known}"pageview","url":"{url}","referrer":"{from}"}}"#)
        }
        6..8 => format!(
            r#"{known}"custom","url":"{url}","name":"product_viewed","props":{{"product":"{product}","shelf":"{shelf}","position":{}}}}}"#,
            rng.u8(1..60)
        ),
        8 => format!(
            r#"{known}"custom","url":"{url}","name":"filter_changed","props":{{"size":"{}","in_stock":true}}}}"#,
            rng.u8(36..47)
        ),
        _ => format!(
            r#"{known}"custom","url":"{url}","name":"added_to_cart","props":{{"product":"{product}","quantity":1,"price":{},"currency":"EUR"}}}}"#,
            rng.u32(500..30_000)
        ),
    }
}

/// A stream's header as the shell draws it.
#[must_use]
pub fn header(rng: &mut Rng) -> String {
    format!(
        r#""stream":"{}","client_id":"{}","user_id":null,"context":{{"sdk":"web/0.1.0","platform":"web","app_version":"2026.1","device_id":"{}","locale":"en-GB","tz":"Europe/London","screen":"1512x982"}}"#,
        uuid(rng),
        uuid(rng),
        uuid(rng)
    )
}

fn uuid(rng: &mut Rng) -> String {
    let bits = format!("{:032x}", rng.u128(..));
    format!("{}-{}-4{}-8{}-{}", &bits[..8], &bits[8..12], &bits[13..16], &bits[17..20], &bits[20..])
}
