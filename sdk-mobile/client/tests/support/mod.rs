//! A small real collector: HTTP over TCP, counts as the server's ledger does, and misbehaves on request.
#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
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
    if matches!(answer, Answer::Lost | Answer::Settled | Answer::Truncated) {
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
        Answer::Settled => format!("HTTP/1.1 204 No Content\r\nhw-ack: {events}\r\n\r\n"),
        Answer::Status(status) => {
            format!("HTTP/1.1 {status} No\r\nhw-ack: 0\r\ncontent-length: 2\r\n\r\n{{}}")
        }
        Answer::Truncated => format!("HTTP/1.1 200 OK\r\nhw-ack: {events}\r\ncontent-length: 99\r\n\r\n{{"),
    };
    let mut writer = connection;
    writer.write_all(text.as_bytes()).ok()?;
    if matches!(answer, Answer::Truncated) { None } else { Some(()) }
}

/// Flushes, again and again, so that a back-off does not slow the test.
pub(crate) fn drain(client: &Client) {
    let deadline = Instant::now() + DEADLINE;
    while let Err(error) = client.flush(Duration::from_millis(100)) {
        assert!(matches!(error, Error::Unsent(_)), "{error}");
        assert!(Instant::now() < deadline, "not drained: {error}");
    }
}
