//! The tables. Rows are only ever added; there is no key, no index and no update in the way of a commit.
//!
//! Numbers named `…_no` are the dictionary's. Times are UTC. A new column goes at the end of its table,
//! with a new [`VERSION`] and the `ALTER TABLE` that older databases need; a new table needs the version only.

/// What the tables look like. A database written by a later version is refused, an older one gets what it lacks.
///
/// 1: the first. 2: `deleted`.
pub const VERSION: u32 = 2;

/// A table's name and its columns, in the order in which rows are appended.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Names and types.
    pub columns: &'static [(&'static str, &'static str)],
}

impl Table {
    fn ddl(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        format!("CREATE TABLE IF NOT EXISTS {} ({});", self.name, columns.join(", "))
    }
}

/// Version and dictionary of the database, in one row.
pub const META: &str = "CREATE TABLE IF NOT EXISTS meta (version UINTEGER NOT NULL, store VARCHAR NOT NULL);";

/// The statements that create what is missing beside [`META`].
#[must_use]
pub fn ddl() -> String {
    TABLES.into_iter().map(Table::ddl).collect()
}

/// Every table that commits write to.
pub const TABLES: [&Table; 11] = [
    &CLOSED,
    &COMMITS,
    &COPIES,
    &DEAD_LETTERS,
    &DELETED,
    &EVENTS,
    &LEDGER,
    &LEDGER_COUNTS,
    &LEDGER_LOST,
    &OFFSETS,
    &PLAIN_WINDOW,
];

/// Gaps of a stream that were given up on.
pub const CLOSED: Table = Table {
    name: "closed",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("stream_no", "BIGINT NOT NULL"),
        ("from_seq", "UINTEGER NOT NULL"),
        ("to_seq", "UINTEGER NOT NULL"),
    ],
};

/// One row per transaction, with how much of the dictionary it may use.
pub const COMMITS: Table = Table {
    name: "commits",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("committed_at", "TIMESTAMP NOT NULL"),
        ("events", "BIGINT NOT NULL"),
        ("clients", "BIGINT NOT NULL"),
        ("devices", "BIGINT NOT NULL"),
        ("sessions", "BIGINT NOT NULL"),
        ("sites", "BIGINT NOT NULL"),
        ("streams", "BIGINT NOT NULL"),
        ("users", "BIGINT NOT NULL"),
    ],
};

/// Copies removed, by stream (or by site, of events without a stream).
pub const COPIES: Table = Table {
    name: "copies",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("site_no", "BIGINT NOT NULL"),
        ("stream_no", "BIGINT"),
        ("copies", "BIGINT NOT NULL"),
        ("received_at", "TIMESTAMP NOT NULL"),
    ],
};

/// Records that are no records, with their bytes.
pub const DEAD_LETTERS: Table = Table {
    name: "dead_letters",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("source", "VARCHAR NOT NULL"),
        ("part", "INTEGER NOT NULL"),
        ("position", "BIGINT NOT NULL"),
        ("problem", "VARCHAR NOT NULL"),
        ("record", "BLOB NOT NULL"),
    ],
};

/// Records of a source that were deleted before they were read, half-open.
pub const DELETED: Table = Table {
    name: "deleted",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("source", "VARCHAR NOT NULL"),
        ("part", "INTEGER NOT NULL"),
        ("from_offset", "BIGINT NOT NULL"),
        ("to_offset", "BIGINT NOT NULL"),
        ("noticed_at", "TIMESTAMP NOT NULL"),
    ],
};

/// Every event, once.
pub const EVENTS: Table = Table {
    name: "events",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("site_no", "BIGINT NOT NULL"),
        ("client_no", "BIGINT NOT NULL"),
        ("user_no", "BIGINT"),
        ("session_no", "BIGINT"),
        ("device_no", "BIGINT"),
        ("stream_no", "BIGINT"),
        ("seq", "UINTEGER"),
        ("event_id", "UHUGEINT NOT NULL"),
        ("timestamp", "TIMESTAMP NOT NULL"),
        ("ts", "TIMESTAMP NOT NULL"),
        ("sent_at", "TIMESTAMP NOT NULL"),
        ("received_at", "TIMESTAMP NOT NULL"),
        ("event_type", "VARCHAR NOT NULL"),
        ("name", "VARCHAR"),
        ("element", "VARCHAR"),
        ("url", "VARCHAR"),
        ("path", "VARCHAR"),
        ("referrer", "VARCHAR"),
        ("referrer_class", "VARCHAR"),
        ("utm_source", "VARCHAR"),
        ("utm_medium", "VARCHAR"),
        ("utm_campaign", "VARCHAR"),
        ("utm_term", "VARCHAR"),
        ("utm_content", "VARCHAR"),
        ("country", "VARCHAR"),
        ("region", "VARCHAR"),
        ("city", "VARCHAR"),
        ("timezone", "VARCHAR"),
        ("locale", "VARCHAR"),
        ("screen", "VARCHAR"),
        ("device", "VARCHAR"),
        ("os", "VARCHAR"),
        ("browser", "VARCHAR"),
        ("browser_version", "VARCHAR"),
        ("bot", "BOOLEAN"),
        ("platform", "VARCHAR"),
        ("app_version", "VARCHAR"),
        ("sdk", "VARCHAR"),
        ("schema_version", "UINTEGER NOT NULL"),
        ("ip", "VARCHAR"),
        ("props", "VARCHAR"),
        ("revenue", "BIGINT"),
        ("currency", "VARCHAR"),
        ("import", "BOOLEAN NOT NULL"),
    ],
};

/// What ledger records said, one row each; their lists are in the next two.
pub const LEDGER: Table = Table {
    name: "ledger",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("ordinal", "UINTEGER NOT NULL"),
        ("site_no", "BIGINT NOT NULL"),
        ("stream_no", "BIGINT"),
        ("client_no", "BIGINT"),
        ("done", "UINTEGER"),
        ("head", "UINTEGER"),
        ("ended", "BOOLEAN NOT NULL"),
        ("no_storage", "BOOLEAN NOT NULL"),
        ("written_by", "VARCHAR NOT NULL"),
        ("received_at", "TIMESTAMP NOT NULL"),
        ("sent_at", "TIMESTAMP NOT NULL"),
    ],
};

/// Counters of a ledger row: `refused` calls of its stream, or `unnamed` drops of its site.
pub const LEDGER_COUNTS: Table = Table {
    name: "ledger_counts",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("ordinal", "UINTEGER NOT NULL"),
        ("unnamed", "BOOLEAN NOT NULL"),
        ("reason", "VARCHAR NOT NULL"),
        ("count", "UBIGINT NOT NULL"),
    ],
};

/// Names of lost events in a ledger row, half-open.
pub const LEDGER_LOST: Table = Table {
    name: "ledger_lost",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("ordinal", "UINTEGER NOT NULL"),
        ("from_seq", "UINTEGER NOT NULL"),
        ("to_seq", "UINTEGER NOT NULL"),
        ("reason", "VARCHAR NOT NULL"),
    ],
};

/// How far each part of a source was read: the row with the highest commit counts.
pub const OFFSETS: Table = Table {
    name: "offsets",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("source", "VARCHAR NOT NULL"),
        ("part", "INTEGER NOT NULL"),
        ("next", "BIGINT NOT NULL"),
        ("fingerprint", "UHUGEINT NOT NULL"),
    ],
};

/// Names of what has no stream, so that a copy is known as one.
pub const PLAIN_WINDOW: Table = Table {
    name: "plain_window",
    columns: &[
        ("commit_no", "BIGINT NOT NULL"),
        ("site_no", "BIGINT NOT NULL"),
        ("id", "UHUGEINT NOT NULL"),
        ("received_at", "TIMESTAMP NOT NULL"),
    ],
};
