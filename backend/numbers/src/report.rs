//! The metrics by any group, computed in the plainest way over rows in memory: the reference that every
//! faster engine is checked against.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    days::{Day, Hour},
    kinds,
    order::OrderKey,
    sessions,
};

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Metric {
    /// Distinct session ids of the SDK; events without one do not count.
    ClientSessions,
    /// All events but identity calls and Headwater's own.
    Events,
    /// Events of type `pageview` or `screen`.
    Pageviews,
    /// Sessions by the 30-minute rule, by what their first event says.
    Sessions,
    /// Distinct clients with an event.
    Users,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 5] =
        [Self::ClientSessions, Self::Events, Self::Pageviews, Self::Sessions, Self::Users];

    /// Its name in queries and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSessions => "client_sessions",
            Self::Events => "events",
            Self::Pageviews => "pageviews",
            Self::Sessions => "sessions",
            Self::Users => "users",
        }
    }

    /// The metric of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether the metric can be split so. A session is not about one page, type or name.
    #[must_use]
    pub fn splits_by(self, group: Group) -> bool {
        !(self == Self::Sessions && matches!(group, Group::Name | Group::Type | Group::Url))
    }
}

/// What a metric is split by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Group {
    /// Whether the sender was a robot.
    Bot,
    /// Browser family.
    Browser,
    /// Its version.
    BrowserVersion,
    /// City's name.
    City,
    /// ISO 3166 country code.
    Country,
    /// UTC day of `timestamp`.
    Day,
    /// Device class.
    Device,
    /// UTC hour of `timestamp`.
    Hour,
    /// Event name.
    Name,
    /// Operating system.
    Os,
    /// Referrer as sent.
    Referrer,
    /// Kind of place that the visitor came from.
    ReferrerClass,
    /// First subdivision of the country.
    Region,
    /// Event type.
    Type,
    /// URL as sent.
    Url,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 15] = [
        Self::Bot,
        Self::Browser,
        Self::BrowserVersion,
        Self::City,
        Self::Country,
        Self::Day,
        Self::Device,
        Self::Hour,
        Self::Name,
        Self::Os,
        Self::Referrer,
        Self::ReferrerClass,
        Self::Region,
        Self::Type,
        Self::Url,
    ];

    /// Its name in queries and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Browser => "browser",
            Self::BrowserVersion => "browser_version",
            Self::City => "city",
            Self::Country => "country",
            Self::Day => "day",
            Self::Device => "device",
            Self::Hour => "hour",
            Self::Name => "name",
            Self::Os => "os",
            Self::Referrer => "referrer",
            Self::ReferrerClass => "referrer_class",
            Self::Region => "region",
            Self::Type => "type",
            Self::Url => "url",
        }
    }

    /// The group of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

/// What is asked of one site's rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// What is counted.
    pub metric: Metric,
    /// First day.
    pub from: Day,
    /// Last day, included.
    pub to: Day,
    /// What it is split by, in the order of the answer's columns; none gives one row.
    pub groups: Vec<Group>,
}

/// One row of an answer: the value of each group, and the number.
pub type Answer = (Vec<Option<String>>, u64);

/// What a report reads of an event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Says {
    /// Event type.
    pub event_type: String,
    /// Session id of the SDK.
    pub session: Option<String>,
    /// Whether the sender was a robot, if somebody looked.
    pub bot: Option<bool>,
    /// Browser family.
    pub browser: Option<String>,
    /// Its version.
    pub browser_version: Option<String>,
    /// City's name.
    pub city: Option<String>,
    /// ISO 3166 country code.
    pub country: Option<String>,
    /// Device class.
    pub device: Option<String>,
    /// Event name.
    pub name: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Referrer as sent.
    pub referrer: Option<String>,
    /// Kind of place that the visitor came from.
    pub referrer_class: Option<String>,
    /// First subdivision of the country.
    pub region: Option<String>,
    /// URL as sent.
    pub url: Option<String>,
}

/// One event, once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Its place.
    pub key: OrderKey,
    /// Whose it is.
    pub client: String,
    /// The rest.
    pub says: Says,
}

impl Row {
    /// The row's value for a group.
    #[must_use]
    pub fn value(&self, group: Group) -> Option<String> {
        let says = &self.says;
        match group {
            Group::Bot => says.bot.map(|bot| bot.to_string()),
            Group::Browser => says.browser.clone(),
            Group::BrowserVersion => says.browser_version.clone(),
            Group::City => says.city.clone(),
            Group::Country => says.country.clone(),
            Group::Day => Some(Day::of(self.key.timestamp).to_string()),
            Group::Device => says.device.clone(),
            Group::Hour => Some(Hour::of(self.key.timestamp).to_string()),
            Group::Name => says.name.clone(),
            Group::Os => says.os.clone(),
            Group::Referrer => says.referrer.clone(),
            Group::ReferrerClass => says.referrer_class.clone(),
            Group::Region => says.region.clone(),
            Group::Type => Some(says.event_type.clone()),
            Group::Url => says.url.clone(),
        }
    }
}

/// Answers a question over all of a site's rows, in any order.
#[must_use]
pub fn report(rows: &[Row], question: &Question) -> Vec<Answer> {
    let mut events: Vec<&Row> = rows.iter().filter(|row| kinds::is_counted(&row.says.event_type)).collect();
    events.sort_by(|a, b| (&a.client, a.key).cmp(&(&b.client, b.key)));
    if question.metric == Metric::Sessions {
        // Before the days are cut out: a run that began before the first day is no session of it.
        events = sessions::starts(events, |row| (row.client.as_str(), row.key.timestamp)).collect();
    }
    let days = question.from.start()..question.to.end();
    events.retain(|row| days.contains(&row.key.timestamp));

    let mut by_group: BTreeMap<Vec<Option<String>>, Tally<'_>> = BTreeMap::new();
    if question.groups.is_empty() {
        by_group.insert(Vec::new(), Tally::default());
    }
    for row in events {
        let values = question.groups.iter().map(|group| row.value(*group)).collect();
        if let Some(counted) = counted(question.metric, row) {
            by_group.entry(values).or_default().add(counted);
        }
    }
    let mut answers: Vec<Answer> = by_group.into_iter().map(|(keys, tally)| (keys, tally.number())).collect();
    sort(&mut answers);
    answers
}

/// Largest number first, then by the groups' values, absent ones last.
pub fn sort(answers: &mut [Answer]) {
    answers.sort_by(|(a_keys, a), (b_keys, b)| {
        b.cmp(a).then_with(|| absent_last(a_keys).cmp(absent_last(b_keys)))
    });
}

fn absent_last(keys: &[Option<String>]) -> impl Iterator<Item = (bool, Option<&str>)> {
    keys.iter().map(|key| (key.is_none(), key.as_deref()))
}

/// What a row adds to a metric: itself, or a thing of which many rows are one.
#[derive(Clone, Copy)]
enum Counted<'a> {
    One,
    Same(&'a str),
}

fn counted(metric: Metric, row: &Row) -> Option<Counted<'_>> {
    match metric {
        Metric::ClientSessions => row.says.session.as_deref().map(Counted::Same),
        Metric::Events | Metric::Sessions => Some(Counted::One),
        Metric::Pageviews => kinds::is_pageview(&row.says.event_type).then_some(Counted::One),
        Metric::Users => Some(Counted::Same(&row.client)),
    }
}

#[derive(Default)]
struct Tally<'a> {
    ones: u64,
    distinct: BTreeSet<&'a str>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, counted: Counted<'a>) {
        match counted {
            Counted::One => self.ones += 1,
            Counted::Same(thing) => {
                self.distinct.insert(thing);
            }
        }
    }

    fn number(&self) -> u64 {
        self.ones + self.distinct.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{days::DAY_MS, sessions::SESSION_GAP_MS};

    fn row(id: u128, client: &str, timestamp: i64, event_type: &str, url: &str) -> Row {
        Row {
            key: OrderKey { timestamp, stream: None, seq: None, event_id: id },
            client: client.to_owned(),
            says: Says { event_type: event_type.to_owned(), url: Some(url.to_owned()), ..Says::default() },
        }
    }

    fn ask(metric: Metric, days: (i64, i64), groups: &[Group]) -> Question {
        let (from, to) = (Day::of(days.0 * DAY_MS), Day::of(days.1 * DAY_MS));
        Question { metric, from, to, groups: groups.to_vec() }
    }

    #[test]
    fn identity_calls_are_no_events_and_make_no_users() {
        let rows = [row(1, "a", 0, "identify", "/"), row(2, "b", 1, "click", "/"), row(3, "c", 2, "$x", "/")];
        for metric in [Metric::Events, Metric::Users, Metric::Sessions] {
            assert_eq!(report(&rows, &ask(metric, (0, 0), &[])), [(vec![], 1)], "{metric:?}");
        }
    }

    #[test]
    fn without_groups_there_is_one_row_even_of_nothing() {
        for metric in Metric::ALL {
            assert_eq!(report(&[], &ask(metric, (0, 0), &[])), [(vec![], 0)]);
            assert_eq!(report(&[], &ask(metric, (0, 0), &[Group::Day])), []);
        }
    }

    #[test]
    fn a_session_over_midnight_belongs_to_the_day_of_its_start() {
        let rows = [row(1, "a", DAY_MS - 1, "pageview", "/"), row(2, "a", DAY_MS + 1, "pageview", "/")];
        let by_day = report(&rows, &ask(Metric::Sessions, (0, 1), &[Group::Day]));
        assert_eq!(by_day, [(vec![Some("1970-01-01".to_owned())], 1)]);
        assert_eq!(report(&rows, &ask(Metric::Sessions, (1, 1), &[])), [(vec![], 0)]);
    }

    #[test]
    fn the_largest_number_comes_first_then_the_keys_with_absent_ones_last() {
        let mut rows: Vec<Row> = [(1, "/b"), (2, "/a"), (3, "/c"), (4, "/c")]
            .map(|(id, url)| row(id, "x", 0, "click", url))
            .into();
        rows.push(Row { says: Says { url: None, ..rows[0].says.clone() }, ..row(5, "x", 0, "click", "") });
        let answer = report(&rows, &ask(Metric::Events, (0, 0), &[Group::Url]));
        let urls: Vec<_> = answer.iter().map(|(keys, number)| (keys[0].as_deref(), *number)).collect();
        assert_eq!(urls, [(Some("/c"), 2), (Some("/a"), 1), (Some("/b"), 1), (None, 1)]);
    }

    #[test]
    fn events_without_a_session_id_are_no_client_session() {
        let mut rows =
            [row(1, "a", 0, "click", "/"), row(2, "a", 1, "click", "/"), row(3, "b", 2, "click", "/")];
        rows[1].says.session = Some("s".to_owned());
        rows[2].says.session = Some("s".to_owned());
        assert_eq!(report(&rows, &ask(Metric::ClientSessions, (0, 0), &[])), [(vec![], 1)]);
    }

    #[test]
    fn a_session_cannot_be_split_by_page_type_or_name() {
        let splits = |metric: Metric| Group::ALL.into_iter().filter(|group| metric.splits_by(*group)).count();
        assert_eq!((splits(Metric::Sessions), splits(Metric::Events)), (12, 15));
    }

    #[test]
    fn every_name_is_read_back() {
        assert!(Metric::ALL.into_iter().all(|metric| Metric::named(metric.name()) == Some(metric)));
        assert!(Group::ALL.into_iter().all(|group| Group::named(group.name()) == Some(group)));
        assert_eq!((Metric::named("Events"), Group::named("")), (None, None));
    }

    proptest! {
        #[test]
        fn any_order_of_rows_gives_the_same_report(
            picks in prop::collection::vec((0..4_u8, 0..6 * SESSION_GAP_MS, 0..3_u8), 0..40),
            rotate in 0..40_usize,
        ) {
            let mut rows: Vec<Row> = picks.iter().zip(0..).map(|((client, time, page), id)| {
                row(id, &client.to_string(), DAY_MS - 2 * SESSION_GAP_MS + time, "pageview", &format!("/{page}"))
            }).collect();
            let questions = Metric::ALL.map(|metric| ask(metric, (0, 1), &[Group::Day, Group::Country]));
            let before = questions.clone().map(|question| report(&rows, &question));
            rows.reverse();
            if !rows.is_empty() {
                let middle = rotate % rows.len();
                rows.rotate_left(middle);
            }
            prop_assert_eq!(before, questions.map(|question| report(&rows, &question)));
        }
    }
}
