//! Writes rows into tables.

use duckdb::{
    Appender, Transaction, appender_params_from_iter,
    types::{TimeUnit, ToSql, ToSqlOutput, ValueRef},
};

use headwater_consumer::{
    Counts, Kind,
    rows::{Commit, CopiesRow, DeadLetter, Deleted, EventRow, LedgerRow, Offset, WindowRow},
};

use super::schema;

/// Writes all rows of a commit; the caller commits the transaction.
pub(super) fn append(
    transaction: &Transaction<'_>,
    number: i64,
    now: i64,
    names: Counts,
    source: &str,
    commit: &Commit,
) -> duckdb::Result<()> {
    let table = |table: &schema::Table| transaction.appender(table.name);
    let number = Cell::of(number);
    if !commit.events.is_empty() {
        let mut rows = table(&schema::EVENTS)?;
        commit.events.iter().try_for_each(|row| event(&mut rows, number, row))?;
        rows.flush()?;
    }
    if !commit.ledger.is_empty() {
        append_ledger(transaction, number, &commit.ledger)?;
    }
    write(transaction, &schema::CLOSED, &commit.closed, |(stream, (from, to))| {
        [number, Cell::of(*stream), Cell::of(*from), Cell::of(*to)]
    })?;
    write(transaction, &schema::COPIES, &commit.copies, |row: &CopiesRow| {
        let CopiesRow { site, stream, copies, received_at } = *row;
        [number, Cell::of(site), Cell::opt(stream), Cell::of(copies), Cell::time(received_at)]
    })?;
    write(transaction, &schema::PLAIN_WINDOW, &commit.window, |row: &WindowRow| {
        [number, Cell::of(row.site), Cell::of(row.id), Cell::time(row.received_at)]
    })?;
    write(transaction, &schema::DEAD_LETTERS, &commit.dead_letters, |row: &DeadLetter| {
        let record = Cell(ValueRef::Blob(&row.record));
        let at = [Cell::of(row.part), Cell::of(row.position)];
        [number, Cell::text(source), at[0], at[1], Cell::text(&row.problem), record]
    })?;
    write(transaction, &schema::DELETED, &commit.deleted, |row: &Deleted| {
        let span = [Cell::of(row.from), Cell::of(row.to)];
        [number, Cell::text(&row.source), Cell::of(row.part), span[0], span[1], Cell::time(row.noticed_at)]
    })?;
    write(transaction, &schema::OFFSETS, &commit.offsets, |row: &Offset| {
        let Offset { part, next, fingerprint } = *row;
        [number, Cell::text(source), Cell::of(part), Cell::of(next), Cell::of(fingerprint)]
    })?;
    let name = |kind| Cell::of(names.of(kind));
    write(transaction, &schema::COMMITS, &[commit.events.len() as u64], |events| {
        [
            number,
            Cell::time(now),
            Cell::of(*events),
            name(Kind::Client),
            name(Kind::Device),
            name(Kind::Session),
            name(Kind::Site),
            name(Kind::Stream),
            name(Kind::User),
        ]
    })
}

fn write<'a, T: 'a, const N: usize>(
    transaction: &Transaction<'_>,
    table: &schema::Table,
    rows: &'a [T],
    cells: impl Fn(&'a T) -> [Cell<'a>; N],
) -> duckdb::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut appender = transaction.appender(table.name)?;
    for row in rows {
        appender.append_row(appender_params_from_iter(cells(row)))?;
    }
    appender.flush()
}

fn append_ledger(transaction: &Transaction<'_>, number: Cell<'_>, rows: &[LedgerRow]) -> duckdb::Result<()> {
    let mut ledger = transaction.appender(schema::LEDGER.name)?;
    let mut lost = transaction.appender(schema::LEDGER_LOST.name)?;
    let mut counts = transaction.appender(schema::LEDGER_COUNTS.name)?;
    for (row, ordinal) in rows.iter().zip(0_u32..) {
        let said = &row.ledger;
        let ordinal = Cell::of(ordinal);
        ledger.append_row(appender_params_from_iter([
            number,
            ordinal,
            Cell::of(row.site),
            Cell::opt(row.stream),
            Cell::opt(row.client),
            Cell::opt(said.at.map(|at| at.done)),
            Cell::opt(said.at.map(|at| at.head)),
            Cell::of(said.end),
            Cell::of(said.no_storage),
            Cell::text(&said.by),
            Cell::time(said.received_at),
            Cell::time(said.sent_at),
        ]))?;
        for name in &said.lost {
            let range = [Cell::of(name.from), Cell::of(name.to)];
            let cells = [number, ordinal, range[0], range[1], Cell::text(&name.reason)];
            lost.append_row(appender_params_from_iter(cells))?;
        }
        for (unnamed, list) in [(false, &said.refused), (true, &said.unnamed)] {
            for (reason, count) in list {
                let cells = [number, ordinal, Cell::of(unnamed), Cell::text(reason), Cell::of(*count)];
                counts.append_row(appender_params_from_iter(cells))?;
            }
        }
    }
    ledger.flush()?;
    lost.flush()?;
    counts.flush()
}

fn event(rows: &mut Appender<'_>, number: Cell<'_>, row: &EventRow) -> duckdb::Result<()> {
    let event = &*row.event;
    rows.append_row(appender_params_from_iter([
        number,
        Cell::of(row.site),
        Cell::of(row.client),
        Cell::opt(row.user),
        Cell::opt(row.session),
        Cell::opt(row.device),
        Cell::opt(row.stream),
        Cell::opt(event.seq),
        Cell::of(row.event_id),
        Cell::time(event.timestamp),
        Cell::time(event.ts),
        Cell::time(event.sent_at),
        Cell::time(event.received_at),
        Cell::text(&event.event_type),
        Cell::maybe(event.name.as_deref()),
        Cell::maybe(event.element.as_deref()),
        Cell::maybe(event.url.as_deref()),
        Cell::maybe(event.path.as_deref()),
        Cell::maybe(event.referrer.as_deref()),
        Cell::maybe(event.referrer_class.as_deref()),
        Cell::maybe(event.utm_source.as_deref()),
        Cell::maybe(event.utm_medium.as_deref()),
        Cell::maybe(event.utm_campaign.as_deref()),
        Cell::maybe(event.utm_term.as_deref()),
        Cell::maybe(event.utm_content.as_deref()),
        Cell::maybe(event.country.as_deref()),
        Cell::maybe(event.region.as_deref()),
        Cell::maybe(event.city.as_deref()),
        Cell::maybe(event.timezone.as_deref()),
        Cell::maybe(event.locale.as_deref()),
        Cell::maybe(event.screen.as_deref()),
        Cell::maybe(event.device.as_deref()),
        Cell::maybe(event.os.as_deref()),
        Cell::maybe(event.browser.as_deref()),
        Cell::maybe(event.browser_version.as_deref()),
        Cell::opt(event.bot),
        Cell::maybe(event.platform.as_deref()),
        Cell::maybe(event.app_version.as_deref()),
        Cell::maybe(event.sdk.as_deref()),
        Cell::of(event.schema_version),
        Cell::maybe(event.ip.as_deref()),
        Cell(event.props.as_ref().map_or(ValueRef::Null, |props| ValueRef::Text(props.get().as_bytes()))),
        Cell::opt(event.revenue),
        Cell::maybe(event.currency.as_deref()),
        Cell::of(event.import),
    ]))
}

/// One value of a row.
#[derive(Clone, Copy)]
struct Cell<'a>(ValueRef<'a>);

impl<'a> Cell<'a> {
    fn of(value: impl Into<Cell<'a>>) -> Self {
        value.into()
    }

    fn opt(value: Option<impl Into<Cell<'a>>>) -> Self {
        value.map_or(Self(ValueRef::Null), Into::into)
    }

    fn text(value: &'a str) -> Self {
        Self(ValueRef::Text(value.as_bytes()))
    }

    fn maybe(value: Option<&'a str>) -> Self {
        value.map_or(Self(ValueRef::Null), Self::text)
    }

    /// Unix milliseconds, which the consumer has checked to be in the calendar.
    fn time(unix_ms: i64) -> Self {
        Self(ValueRef::Timestamp(TimeUnit::Millisecond, unix_ms))
    }
}

macro_rules! cell {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Cell<'_> {
            fn from(value: $from) -> Self {
                Self(ValueRef::$variant(value))
            }
        })*
    };
}
cell!(bool => Boolean, i32 => Int, i64 => BigInt, u32 => UInt, u64 => UBigInt, u128 => UHugeInt);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}
