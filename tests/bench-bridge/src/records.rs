//! Enriched events, as many and as large as a shop's page views and clicks.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use fastrand::Rng;
use headwater_schema::{Event, RawValue, SCHEMA_VERSION, Uuid};

/// Of a client's session.
struct Client {
    stream: Uuid,
    id: Uuid,
    session: Uuid,
    next: u32,
}

/// Writes `count` events of `clients` clients in turn.
pub(crate) fn write(file: &Path, count: u32, clients: u32, site: &str) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(1);
    let mut clients: Vec<_> = (0..clients).map(|_| Client::new()).collect();
    let mut out = BufWriter::new(File::create(file).with_context(|| file.display().to_string())?);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    for number in 0..count {
        let at = number as usize % clients.len();
        serde_json::to_writer(&mut out, &clients[at].event(site, now, &mut random)?)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

impl Client {
    fn new() -> Self {
        Self { stream: Uuid::new_v4(), id: Uuid::new_v4(), session: Uuid::new_v4(), next: 0 }
    }

    fn event(&mut self, site: &str, now: i64, random: &mut Rng) -> anyhow::Result<Event> {
        const PAGES: [&str; 4] = ["/", "/search", "/product/1289", "/cart"];
        let page = PAGES[random.usize(..PAGES.len())];
        let is_click = random.bool();
        let props = format!(
            r#"{{"plan":"pro","experiment":"checkout-b","position":{},"price":{}}}"#,
            random.u32(..40),
            random.u32(100..90_000)
        );
        let seq = self.next;
        self.next += 1;
        let text = |text: &str| Some(text.to_owned());
        Ok(Event {
            event_id: Uuid::new_v4().to_string(),
            stream: Some(self.stream),
            seq: Some(seq),
            site_id: site.to_owned(),
            client_id: self.id.to_string(),
            user_id: None,
            session_id: Some(self.session.to_string()),
            device_id: None,
            platform: text("web"),
            app_version: None,
            event_type: if is_click { "click" } else { "pageview" }.to_owned(),
            name: is_click.then(|| "add_to_cart".to_owned()),
            element: is_click.then(|| "button.add".to_owned()),
            url: Some(format!("https://shop.example.com{page}?utm_source=mail&utm_campaign=spring")),
            path: text(page),
            referrer: text("https://www.example.org/"),
            referrer_class: None,
            utm_source: text("mail"),
            utm_medium: None,
            utm_campaign: text("spring"),
            utm_term: None,
            utm_content: None,
            country: text("GB"),
            region: None,
            city: text("London"),
            timezone: text("Europe/London"),
            locale: text("en-GB"),
            screen: text("1512x982"),
            device: text("desktop"),
            os: text("macOS"),
            browser: text("Firefox"),
            browser_version: text("145.0"),
            bot: Some(false),
            timestamp: now + i64::from(seq),
            ts: now + i64::from(seq),
            sent_at: now,
            received_at: now,
            schema_version: SCHEMA_VERSION,
            ip: text("192.0.2.0"),
            sdk: text("web/0.1.0"),
            props: Some(RawValue::from_string(props)?),
            revenue: None,
            currency: None,
            import: false,
            headers: BTreeMap::new(),
        })
    }
}
