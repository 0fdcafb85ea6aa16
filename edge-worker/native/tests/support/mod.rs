//! A collector on a port that the system chose, and a client that writes HTTP by hand, so that it can write
//! it badly.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Extension, extract::ConnectInfo};
use headwater_collector::{Sites, Unavailable};
use headwater_native::{Collector, Endpoints, Forward, Forwarded, Options, Places, Trace, limits, router_at};
use headwater_schema::{Event, Record};
use headwater_service::server::{self, Bounds};
use tokio::{net::TcpListener, runtime::Runtime, sync::Semaphore};

/// The plain form exactly as DESIGN.md has it.
pub(crate) const PLAIN: &str = r##"{"site_id":"site-123","client_id":"anon-uuid","session_id":"sess-uuid",
     "events":[{"type":"pageview","url":"/pricing","ts":1710320000,"referrer":"google.com"},
               {"type":"click","element":"#signup-btn","ts":1710320005},
               {"type":"custom","name":"video_play","props":{"video_id":"v123"},"ts":1710320010}]}"##;

const SITES: &str = r#"
[[site]]
id = "site-123"
origins = ["https://shop.example"]
secret_keys = ["key-1"]
read_tokens = ["token-1"]

[[site]]
id = "site-456"

[site.settings]
sample = 2500
"#;

/// The end of the way: keeps what is forwarded, or does what it is told instead.
pub(crate) struct Sink {
    records: Mutex<Vec<Vec<u8>>>,
    mode: AtomicU8,
    waiting: AtomicUsize,
    /// One permit lets one append through while the mode is [`HOLD`].
    pub(crate) gate: Semaphore,
}

pub(crate) const KEEP: u8 = 0;
pub(crate) const FAIL: u8 = 1;
pub(crate) const HOLD: u8 = 2;
pub(crate) const PANIC: u8 = 3;
/// Clicks are never taken.
pub(crate) const REJECT: u8 = 4;

impl Forward for Sink {
    async fn forward(&self, records: Vec<Vec<u8>>, _: Option<Trace>) -> Result<Forwarded, Unavailable> {
        match self.mode.load(Ordering::SeqCst) {
            FAIL => return Err(Unavailable { message: "the log: no space".to_owned(), retry_after_s: 9 }),
            HOLD => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.expect("open").forget();
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            }
            REJECT => {
                let is_click =
                    |record: &[u8]| String::from_utf8_lossy(record).contains(r#""event_type":"click""#);
                let clicks = records.iter().enumerate().filter(|(_, record)| is_click(record));
                let rejected = clicks.map(|(at, _)| (at, "no clicks".to_owned())).collect();
                let taken = records.into_iter().filter(|record| !is_click(record));
                self.records.lock().expect("kept").extend(taken);
                return Ok(Forwarded { incarnation: Some(1), rejected });
            }
            PANIC => panic!("a fault for the test"),
            _ => {}
        }
        self.records.lock().expect("kept").extend(records);
        Ok(Forwarded::all(1))
    }
}

impl Sink {
    pub(crate) fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    /// How many appends wait at the gate.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.lock().expect("kept").len()
    }

    pub(crate) fn take_records(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.records.lock().expect("kept"))
    }

    pub(crate) fn take_events(&self) -> Vec<Event> {
        let records = self.take_records();
        let event = |bytes: Vec<u8>| match Record::from_slice(&bytes).expect("a record") {
            Record::Event(event) => Some(*event),
            Record::Ledger(_) => None,
        };
        records.into_iter().filter_map(event).collect()
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) sink: Arc<Sink>,
    pub(crate) collector: Collector<Arc<Sink>>,
    pub(crate) runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(limits::IN_FLIGHT_BYTES)
    }

    pub(crate) fn start_with(in_flight: usize) -> Self {
        let options = Options { in_flight_bytes: in_flight, ..Options::default() };
        Self::start_as(options, &Endpoints::default(), Bounds::default())
    }

    /// One whose senders all have this address, and that knows MaxMind's places for tests.
    pub(crate) fn start_at(peer: IpAddr) -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/GeoIP2-City-Test.mmdb");
        let places = Places::open(Path::new(file)).expect("a file of places");
        let options = Options { places: Some(places), ..Options::default() };
        Self::run(options, &Endpoints::default(), Bounds::default(), Some(peer))
    }

    pub(crate) fn start_as(options: Options, endpoints: &Endpoints, bounds: Bounds) -> Self {
        Self::run(options, endpoints, bounds, None)
    }

    fn run(options: Options, endpoints: &Endpoints, bounds: Bounds, peer: Option<IpAddr>) -> Self {
        let sink = Arc::new(Sink {
            records: Mutex::default(),
            mode: AtomicU8::new(KEEP),
            waiting: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        });
        let sites = Arc::new(Sites::from_toml(SITES).expect("a good file"));
        let collector = Collector::new(sites, Arc::clone(&sink), options);
        let runtime = Runtime::new().expect("threads");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut app = router_at(collector.clone(), endpoints);
        if let Some(peer) = peer {
            app = app.layer(Extension(ConnectInfo(SocketAddr::new(peer, 1))));
        }
        runtime.spawn(server::serve(listener, app, bounds, std::future::pending()));
        Self { address, sink, collector, runtime }
    }

    pub(crate) fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.request("POST", "/collect", &[], body.as_ref())
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let lines: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        let length =
            if method == "POST" { format!("content-length: {}\r\n", body.len()) } else { String::new() };
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}{length}\r\n")
            .expect("a connection");
        // A server that has answered may read no further.
        let _ = stream.write_all(body);
        Answer::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a listener");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        stream
    }
}

/// A request of one stream by its number, with `word` (`"at":[0,1]`) beside events of type `x`.
pub(crate) fn stream(number: u32, word: &str, seqs: std::ops::Range<u32>) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let events: Vec<_> = seqs.map(|seq| format!(r#"{{"seq":{seq},"type":"x","ts":{now}}}"#)).collect();
    let (events, comma) = (events.join(","), if word.is_empty() { "" } else { "," });
    format!(
        r#"{{"v":1,"site_id":"site-123","sent_at":{now},"batches":[{{"stream":"01905d1e-7c00-4abc-9def-{number:012x}","client_id":"c",{word}{comma}"events":[{events}]}}]}}"#
    )
}

const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Of another address than the collector's.
    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("a listener");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("a connection");
        Self::read(&mut stream)
    }

    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            match stream.read(&mut chunk).expect("an answer in time") {
                0 => panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)),
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).expect("ASCII").to_lowercase();
        let mut answer = Self {
            status: head[9..12].parse().expect("a status"),
            head,
            body: bytes[head_end + 4..].to_vec(),
        };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        while answer.body.len() < length {
            match stream.read(&mut chunk).expect("a body in time") {
                0 => break,
                read => answer.body.extend_from_slice(&chunk[..read]),
            }
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn status_and_ack(&self) -> (u16, &str) {
        (self.status, self.header("hw-ack").unwrap_or("none"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Waits for something that another thread does.
#[track_caller]
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "not in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}
