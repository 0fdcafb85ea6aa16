//! A small real collector: HTTP over TCP, counts as the server's ledger does, and misbehaves on request.
#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use headwater_client::{Builder, Client, Error};
use serde_json::Value;

/// No test waits longer for something that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

type Faults = Box<dyn FnMut(&Value) -> Answer + Send>;

pub(crate) struct State {
    pub(crate) streams: BTreeMap<String, Books>,
    pub(crate) requests: Vec<Value>,
    faults: Faults,
}

/// How a request ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// 503 with `hw-ack: 0`; nothing is taken.
    Busy,
    /// The same with `Retry-After: 1`.
    BusyForASecond,
    /// Taken, but the connection breaks before the answer.
    Lost,
    /// An empty 200 of something else; nothing is taken.
    Foreign,
    /// Closed without an answer; nothing is taken.
    None,
    /// Taken and acknowledged.
    Settled,
    /// Taken and acknowledged, with this JSON.
    Saying(&'static str),
    /// This status with `hw-ack: 0`; nothing is taken.
    Status(u16),
    /// Taken; the answer breaks off in its body.
    Truncated,
}

/// One stream, as the server's rules count it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) events: BTreeMap<u32, Value>,
    pub(crate) copies: u64,
    pub(crate) named: BTreeMap<u32, String>,
    pub(crate) done: u32,
    pub(crate) head: u32,
    pub(crate) ended: bool,
    /// Refused calls, by verdict.
    pub(crate) refused: BTreeMap<String, u64>,
    /// The header of the first request that had one: `client_id`, `user_id`, `context`.
    pub(crate) header: Option<(Value, Value, Value)>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            streams: BTreeMap::new(),
            requests: Vec::new(),
            faults: Box::new(|_| Answer::Settled),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, state) = (connection.unwrap(), Arc::clone(&shared));
                thread::spawn(move || while serve(&connection, &state).is_some() {});
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn answer(&self, faults: impl FnMut(&Value) -> Answer + Send + 'static) {
        self.state().faults = Box::new(faults);
    }

    pub(crate) fn builder(&self, journal: &Path) -> Builder {
        Client::builder(self.url(), "site-1").journal(journal).flush_every(Duration::from_millis(20))
    }

    pub(crate) fn client(&self, journal: &Path) -> Client {
        self.builder(journal).build().unwrap()
    }
}

impl State {
    /// The values of `props.n` of everything counted, each as often as it was counted.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let events = self.streams.values().flat_map(|books| books.events.values());
        let mut numbers: Vec<_> = events.filter_map(|event| event["props"]["n"].as_u64()).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn known(&self) -> usize {
        self.streams.values().map(Books::known).sum()
    }

    pub(crate) fn counted(&self) -> usize {
        self.streams.values().map(|books| books.events.len()).sum()
    }

    /// Named and not counted, by reason.
    pub(crate) fn lost(&self) -> BTreeMap<String, usize> {
        let mut lost = BTreeMap::new();
        for books in self.streams.values() {
            for (seq, reason) in &books.named {
                if !books.events.contains_key(seq) {
                    *lost.entry(reason.clone()).or_default() += 1;
                }
            }
        }
        lost
    }

    /// What a field of the headers says, by stream; streams that were only purged have none.
    pub(crate) fn headers(&self) -> Vec<&(Value, Value, Value)> {
        self.streams.values().filter_map(|books| books.header.as_ref()).collect()
    }

    /// Every event with its stream, in the order of their times.
    pub(crate) fn events(&self) -> Vec<(&str, &Value)> {
        let mut events: Vec<_> = self
            .streams
            .iter()
            .flat_map(|(stream, books)| books.events.values().map(|event| (stream.as_str(), event)))
            .collect();
        events.sort_by_key(|(_, event)| event["ts"].as_u64());
        events
    }

    /// Refused calls of all streams, by verdict.
    pub(crate) fn refused(&self) -> BTreeMap<String, u64> {
        let mut refused = BTreeMap::new();
        for (verdict, count) in self.streams.values().flat_map(|books| &books.refused) {
            *refused.entry(verdict.clone()).or_default() += count;
        }
        refused
    }

    /// The promise: everything known is counted or named.
    pub(crate) fn assert_nothing_in_flight(&self) {
        for (stream, books) in &self.streams {
            let missing: BTreeSet<u32> = (0..u32::try_from(books.known()).unwrap())
                .filter(|seq| !books.events.contains_key(seq) && !books.named.contains_key(seq))
                .collect();
            assert!(missing.is_empty(), "{stream}: neither counted nor named: {missing:?}");
        }
    }

    fn take(&mut self, request: &Value) {
        for batch in request["batches"].as_array().unwrap() {
            let books = self.streams.entry(batch["stream"].as_str().unwrap().to_owned()).or_default();
            books.done = books.done.max(number(&batch["at"][0]));
            books.head = books.head.max(number(&batch["at"][1]));
            books.ended |= batch["end"] == true;
            for (verdict, count) in batch["refused"].as_object().into_iter().flatten() {
                let count = count.as_u64().unwrap();
                let known = books.refused.entry(verdict.clone()).or_default();
                *known = count.max(*known);
            }
            if batch["client_id"].is_null() {
                assert!(batch["events"].as_array().unwrap().is_empty(), "events of nobody: {batch}");
                assert!(batch["user_id"].is_null() && batch["context"].is_null(), "{batch}");
            } else {
                let header = (batch["client_id"].clone(), batch["user_id"].clone(), batch["context"].clone());
                assert_eq!(*books.header.get_or_insert(header.clone()), header, "a header never changes");
            }
            for loss in batch["lost"].as_array().into_iter().flatten() {
                for seq in number(&loss[0])..number(&loss[1]) {
                    books.named.entry(seq).or_insert(loss[2].as_str().unwrap().to_owned());
                }
            }
            for event in batch["events"].as_array().unwrap() {
                let seq = number(&event["seq"]);
                match books.events.get(&seq) {
                    // The session is a stamp and may differ.
                    Some(first) => {
                        assert_eq!((&first["ts"], &first["props"]), (&event["ts"], &event["props"]));
                        books.copies += 1;
                    }
                    None => drop(books.events.insert(seq, event.clone())),
                }
            }
        }
    }
}

impl Books {
    fn known(&self) -> usize {
        let seen = self.events.keys().next_back().map_or(0, |last| last + 1);
        let named = self.named.keys().next_back().map_or(0, |last| last + 1);
        self.head.max(seen).max(named) as usize
    }
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

/// One request of a connection; `None` when it is over.
fn serve(connection: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    assert!(first.starts_with("POST /collect "), "{first}");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut state = state.lock().unwrap();
    let answer = (state.faults)(&request);
    if matches!(answer, Answer::Lost | Answer::Saying(_) | Answer::Settled | Answer::Truncated) {
        state.take(&request);
    }
    let events: usize = request["batches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|batch| batch["events"].as_array().unwrap().len())
        .sum();
    state.requests.push(request);
    drop(state);
    let text = match answer {
        Answer::Busy => "HTTP/1.1 503 Busy\r\nhw-ack: 0\r\ncontent-length: 0\r\n\r\n".into(),
        Answer::BusyForASecond => {
            "HTTP/1.1 503 Busy\r\nhw-ack: 0\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".into()
        }
        Answer::Foreign => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into(),
        Answer::Lost | Answer::None => return None,
        Answer::Saying(body) => format!(
            "HTTP/1.1 200 OK\r\nhw-ack: {events}\r\nhw-time: {}\r\ncontent-length: {}\r\n\r\n{body}",
            now(),
            body.len()
        ),
        Answer::Settled => {
            format!("HTTP/1.1 204 No Content\r\nhw-ack: {events}\r\nhw-time: {}\r\n\r\n", now())
        }
        Answer::Status(status) => {
            format!("HTTP/1.1 {status} No\r\nhw-ack: 0\r\ncontent-length: 2\r\n\r\n{{}}")
        }
        Answer::Truncated => format!("HTTP/1.1 200 OK\r\nhw-ack: {events}\r\ncontent-length: 99\r\n\r\n{{"),
    };
    let mut writer = connection;
    writer.write_all(text.as_bytes()).ok()?;
    if matches!(answer, Answer::Truncated) { None } else { Some(()) }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Everything that can be read in the files of a journal; what is removed meanwhile is not there.
pub(crate) fn on_disk(dir: &Path) -> String {
    let Ok(entries) = fs::read_dir(dir) else { return String::new() };
    let text = |path: &Path| match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => on_disk(path),
    };
    entries.map_while(Result::ok).map(|entry| text(&entry.path())).collect()
}

/// Flushes until it holds.
#[track_caller]
pub(crate) fn eventually(client: &Client, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time");
        let _ = client.flush(Duration::from_millis(20));
    }
}

/// Flushes, again and again, so that a back-off does not slow the test.
pub(crate) fn drain(client: &Client) {
    let deadline = Instant::now() + DEADLINE;
    while let Err(error) = client.flush(Duration::from_millis(100)) {
        assert!(matches!(error, Error::Unsent(_)), "{error}");
        assert!(Instant::now() < deadline, "not drained: {error}");
    }
}
