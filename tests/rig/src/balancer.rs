//! One address before several servers: a connection goes to the next of them that takes it.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result};

/// Runs as long as this lives.
pub struct Balancer {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Balancer {
    /// Listens on loopback, for servers `http://127.0.0.1:PORT`.
    pub fn start(urls: &[&str]) -> Result<Self> {
        let servers = urls.iter().map(|url| {
            let address = url.trim_start_matches("http://");
            address.parse().with_context(|| format!("{url} is no http://ADDRESS:PORT"))
        });
        let servers: Arc<[SocketAddr]> = servers.collect::<Result<_>>()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let next = AtomicUsize::new(0);
        thread::Builder::new().name("balancer".to_owned()).spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let first = next.fetch_add(1, Ordering::Relaxed);
                let tries = (0..servers.len()).map(|n| servers[(first + n) % servers.len()]);
                if let Some(server) = tries.into_iter().find_map(|server| TcpStream::connect(server).ok()) {
                    // A connection that cannot be served is closed, which its client sees.
                    let _ = join(client, server);
                }
            }
        })?;
        Ok(Self { address, is_over })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
    }
}

/// Both directions, each until its end.
fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let (mut from, mut to) = (from, to);
        thread::Builder::new().spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            // What one side has ended is over for both: a client must notice that its server is gone.
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        })?;
    }
    Ok(())
}
