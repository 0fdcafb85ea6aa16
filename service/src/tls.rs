//! TLS by rustls before a server. Which HTTP is spoken behind it, the two sides agree on by ALPN.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
    server::TlsStream,
};

use crate::process::no_delay;

/// For a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at once; more connections wait in the system's queue.
const MOST_HANDSHAKES: usize = 512;

/// After the system had no more sockets to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads certificate chain and key, PEM files.
pub fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let named = |path: &Path| path.display().to_string();
    let certs = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certs = certs.with_context(|| format!("tls.cert: {}", named(cert)))?;
    anyhow::ensure!(!certs.is_empty(), "tls.cert: {}: no certificate in it", named(cert));
    let secret = PrivateKeyDer::from_pem_file(key).with_context(|| format!("tls.key: {}", named(key)))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certs, secret);
    let mut config = config.context("tls.cert and tls.key do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Gives connections whose handshake is done: one that dawdles holds up no other.
pub struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    /// Begins to take connections.
    pub fn new(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (shaken, ready) = mpsc::channel(1);
        let accepting = tokio::spawn(accept(listener, acceptor, shaken));
        Ok(Self { address, ready, accepting })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // Whoever accepts has ended, so there will be none.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(MOST_HANDSHAKES));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("never closed");
        let (mut socket, peer) = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        no_delay(&mut socket);
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let shaken = timeout(HANDSHAKE, acceptor.accept(socket)).await;
            drop(place);
            match shaken {
                // If nobody takes it, the server is ending.
                Ok(Ok(stream)) => _ = ready.send((stream, peer)).await,
                Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS"),
                Err(_) => tracing::debug!(%peer, "no TLS in time"),
            }
        });
    }
}
