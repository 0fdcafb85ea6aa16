//! Serves HTTP to whoever comes, within bounds: so many connections, and so long for a request's head.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, serve::Listener};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{sync::Semaphore, time::sleep};
use tower::ServiceExt as _;

/// What connections may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Connections at once; more wait in the system's queue.
    pub connections: usize,
    /// The time for the head of a request, also of the first, counted from the end of the answer before it. So it is
    /// the time that an idle connection is kept, too: longer than the 20 s for which our collector keeps one to a bridge.
    pub head: Duration,
}

impl Default for Bounds {
    /// 10,000 connections (about 200 MB of buffers at the worst) and 30 s.
    fn default() -> Self {
        Self { connections: 10_000, head: Duration::from_secs(30) }
    }
}

/// Serves HTTP/1.1, and HTTP/2 to those who begin with it, until `stop` is there; then requests under way are answered, and
/// it returns when the last connection is closed. Handlers find the peer in [`ConnectInfo`].
pub async fn serve<L>(
    mut listener: L,
    app: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
{
    let places = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("never closed");
            (place, listener.accept().await)
        };
        let (place, (io, peer)) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let (app, watcher) = (app.clone(), graceful.watcher());
        tokio::spawn(async move {
            connection(TokioIo::new(io), peer, app, bounds, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

async fn connection<I>(io: I, peer: SocketAddr, app: Router, bounds: Bounds, watcher: Watcher)
where
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let begun = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&begun);
    let service = service_fn(move |request: Request<Incoming>| {
        seen.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head);
    // HTTP/2 has no idle time; whoever does not answer a ping is gone.
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(bounds.head);
    let served = watcher.watch(builder.serve_connection(io, service).into_owned());
    let mut served = pin!(served);
    tokio::select! {
        ended = &mut served => return log(ended, peer),
        () = sleep(bounds.head) => {}
    }
    // While it is not known which HTTP is spoken, no time of the protocol runs.
    if begun.load(Ordering::Relaxed) {
        log(served.await, peer);
    }
}

fn log(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>, peer: SocketAddr) {
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net::Ipv4Addr};

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        sync::oneshot,
        task::JoinHandle,
    };

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    struct Served {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        ended: JoinHandle<io::Result<()>>,
    }

    async fn start(bounds: Bounds, app: Router) -> Served {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(serve(listener, app, bounds, async {
            let _ = stopped.await;
        }));
        Served { address, stop, ended }
    }

    fn app() -> Router {
        Router::new()
            .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = Vec::new();
        match stream.read_to_end(&mut text).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        String::from_utf8(text).expect("text")
    }

    async fn get_root(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        stream.write_all(REQUEST).await.expect("a connection");
        answer(stream).await
    }

    #[tokio::test]
    async fn a_handler_knows_its_peer() {
        let served = start(Bounds::default(), app()).await;
        let text = get_root(served.address).await;
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("127.0.0.1"), "{text}");
    }

    #[tokio::test]
    async fn who_says_nothing_half_a_head_or_nothing_more_is_cut_off() {
        let bounds = Bounds { head: Duration::from_millis(100), ..Bounds::default() };
        let served = start(bounds, app()).await;
        for (said, answered) in [
            (&b""[..], false),
            (b"GET / HT", false),
            (b"GET / HTTP/1.1\r\nhost: ", false),
            (b"PRI * HTTP/2.0\r\n\r\n", false),
            (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", true),
            (b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP", true),
        ] {
            let mut stream = TcpStream::connect(served.address).await.expect("a listener");
            stream.write_all(said).await.expect("a connection");
            // It ends, though this side says no more and stays.
            let text = answer(stream).await;
            assert_eq!(text.starts_with("HTTP/1.1 200"), answered, "{text:?} to {said:?}");
        }
    }

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_for_a_place() {
        let bounds = Bounds { connections: 2, ..Bounds::default() };
        let served = start(bounds, app()).await;
        let held = [TcpStream::connect(served.address).await, TcpStream::connect(served.address).await];
        let third = tokio::spawn(get_root(served.address));
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(held);
        assert!(third.await.expect("an answer").starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn asked_to_stop_it_answers_what_is_under_way_and_takes_nothing_more() {
        let (entered, has_entered) = oneshot::channel();
        let (leave, may_leave) = oneshot::channel::<()>();
        let gate = std::sync::Mutex::new(Some((entered, may_leave)));
        let slow = move || {
            let (entered, may_leave) = gate.lock().expect("one").take().expect("one request");
            async move {
                entered.send(()).expect("the test waits");
                may_leave.await.expect("the test says so");
                "done"
            }
        };
        let slow = Arc::new(slow);
        let served = start(Bounds::default(), Router::new().route("/", get(move || slow()))).await;
        let asked = tokio::spawn(get_root(served.address));
        has_entered.await.expect("a request");
        served.stop.send(()).expect("it runs");
        while TcpStream::connect(served.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        leave.send(()).expect("it waits");
        assert!(asked.await.expect("an answer").ends_with("done"));
        served.ended.await.expect("no panic").expect("in order");
    }
}
