//! Writes Avro. Every field is named here, so that one that is added to a record does not compile before it has its place
//! in the schema.

use std::collections::BTreeMap;

use headwater_schema::{At, Event, LEDGER_TYPE, Ledger, Lost, Record};

use crate::frame;

/// Writes values with the schema of one id. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    id: u32,
}

impl Encoder {
    /// `id` is the registry's for [`SCHEMA`](crate::SCHEMA).
    #[must_use]
    pub fn new(id: u32) -> Self {
        Self { id }
    }

    /// The value of a record that is JSON text.
    ///
    /// # Errors
    /// It is no record of the schema.
    pub fn encode(&self, json: &[u8]) -> serde_json::Result<Vec<u8>> {
        let record = Record::from_slice(json)?;
        let mut value = Vec::with_capacity(json.len());
        value.extend(frame(self.id));
        body(&record, &mut value);
        Ok(value)
    }
}

fn body(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Event(record) => {
            long(0, out);
            event(record, out);
        }
        Record::Ledger(record) => {
            long(1, out);
            ledger(record, out);
        }
    }
}

fn event(event: &Event, out: &mut Vec<u8>) {
    let Event {
        event_id,
        stream,
        seq,
        site_id,
        client_id,
        user_id,
        session_id,
        device_id,
        platform,
        app_version,
        event_type,
        name,
        element,
        url,
        path,
        referrer,
        referrer_class,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        country,
        region,
        city,
        timezone,
        locale,
        screen,
        device,
        os,
        browser,
        browser_version,
        bot,
        timestamp,
        ts,
        sent_at,
        received_at,
        schema_version,
        ip,
        sdk,
        props,
        revenue,
        currency,
        import,
        headers,
    } = event;
    text(event_id, out);
    option(*stream, out, |stream, out| text(&stream.hyphenated().to_string(), out));
    option(*seq, out, |value, out| long(value.into(), out));
    text(site_id, out);
    text(client_id, out);
    option(user_id.as_ref(), out, |value, out| text(value, out));
    option(session_id.as_ref(), out, |value, out| text(value, out));
    option(device_id.as_ref(), out, |value, out| text(value, out));
    option(platform.as_ref(), out, |value, out| text(value, out));
    option(app_version.as_ref(), out, |value, out| text(value, out));
    text(event_type, out);
    option(name.as_ref(), out, |value, out| text(value, out));
    option(element.as_ref(), out, |value, out| text(value, out));
    option(url.as_ref(), out, |value, out| text(value, out));
    option(path.as_ref(), out, |value, out| text(value, out));
    option(referrer.as_ref(), out, |value, out| text(value, out));
    option(referrer_class.as_ref(), out, |value, out| text(value, out));
    option(utm_source.as_ref(), out, |value, out| text(value, out));
    option(utm_medium.as_ref(), out, |value, out| text(value, out));
    option(utm_campaign.as_ref(), out, |value, out| text(value, out));
    option(utm_term.as_ref(), out, |value, out| text(value, out));
    option(utm_content.as_ref(), out, |value, out| text(value, out));
    option(country.as_ref(), out, |value, out| text(value, out));
    option(region.as_ref(), out, |value, out| text(value, out));
    option(city.as_ref(), out, |value, out| text(value, out));
    option(timezone.as_ref(), out, |value, out| text(value, out));
    option(locale.as_ref(), out, |value, out| text(value, out));
    option(screen.as_ref(), out, |value, out| text(value, out));
    option(device.as_ref(), out, |value, out| text(value, out));
    option(os.as_ref(), out, |value, out| text(value, out));
    option(browser.as_ref(), out, |value, out| text(value, out));
    option(browser_version.as_ref(), out, |value, out| text(value, out));
    option(*bot, out, flag);
    long(*timestamp, out);
    long(*ts, out);
    long(*sent_at, out);
    long(*received_at, out);
    long((*schema_version).into(), out);
    option(ip.as_ref(), out, |value, out| text(value, out));
    option(sdk.as_ref(), out, |value, out| text(value, out));
    option(props.as_ref(), out, |props, out| text(props.get(), out));
    option(*revenue, out, long);
    option(currency.as_ref(), out, |value, out| text(value, out));
    flag(*import, out);
    option(Some(headers).filter(|headers| !headers.is_empty()), out, |headers, out| {
        block(headers.iter(), out, |(name, value), out| {
            text(name, out);
            text(value, out);
        });
    });
}

fn ledger(ledger: &Ledger, out: &mut Vec<u8>) {
    let Ledger {
        site_id,
        stream,
        client_id,
        at,
        end,
        lost,
        refused,
        unnamed,
        by,
        received_at,
        sent_at,
        no_storage,
    } = ledger;
    text(LEDGER_TYPE, out);
    text(site_id, out);
    option(*stream, out, |stream, out| text(&stream.hyphenated().to_string(), out));
    option(client_id.as_ref(), out, |value, out| text(value, out));
    option(*at, out, |At { done, head }, out| {
        long(done.into(), out);
        long(head.into(), out);
    });
    flag(*end, out);
    block(lost.iter(), out, |Lost { from, to, reason }, out| {
        long((*from).into(), out);
        long((*to).into(), out);
        text(reason, out);
    });
    counters(refused, out);
    counters(unnamed, out);
    text(by, out);
    long(*received_at, out);
    long(*sent_at, out);
    flag(*no_storage, out);
}

fn counters(counters: &BTreeMap<String, u64>, out: &mut Vec<u8>) {
    block(counters.iter(), out, |(name, count), out| {
        text(name, out);
        // Nobody counts further.
        long(i64::try_from(*count).unwrap_or(i64::MAX), out);
    });
}

/// An array or a map: one block of all items, and the empty one that ends it.
#[expect(clippy::cast_possible_wrap, reason = "no memory holds so many")]
fn block<T>(items: impl ExactSizeIterator<Item = T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    if items.len() > 0 {
        long(items.len() as i64, out);
        items.for_each(|item| write(item, out));
    }
    long(0, out);
}

/// The union of null and something.
fn option<T>(value: Option<T>, out: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
    match value {
        None => long(0, out),
        Some(value) => {
            long(1, out);
            write(value, out);
        }
    }
}

#[expect(clippy::cast_possible_wrap, reason = "likewise")]
fn text(text: &str, out: &mut Vec<u8>) {
    long(text.len() as i64, out);
    out.extend(text.as_bytes());
}

fn flag(flag: bool, out: &mut Vec<u8>) {
    out.push(flag.into());
}

/// Zigzag, then seven bits in a byte, the lowest first.
#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
fn long(value: i64, out: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left > 0x7f {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}
