//! TLS before the server of batches, with a certificate made here.

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use headwater_bridge::config::{Config, Overrides};
use headwater_service::tls::acceptor;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use support::{Server, event};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};

struct Pair {
    cert: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

/// Writes `cert.pem` and `key.pem`.
fn pair() -> Pair {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cert.pem"), cert.pem()).expect("written");
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).expect("written");
    Pair { cert: cert.der().clone(), folder }
}

fn config(folder: &Path) -> String {
    let path = |name| folder.join(name).display().to_string();
    format!(
        "listen = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nopen = true\n[sink]\nkind = \"memory\"\n\
         [tls]\ncert = {:?}\nkey = {:?}\n",
        path("cert.pem"),
        path("key.pem")
    )
}

/// A connection that offers these protocols.
fn connect(server: &Server, pair: &Pair, offer: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config = config
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offer.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut socket = TcpStream::connect(server.address).expect("a connection");
    session.complete_io(&mut socket).expect("a handshake");
    StreamOwned::new(session, socket)
}

/// The status line of a request over HTTP/1.1.
fn post(stream: &mut StreamOwned<ClientConnection, TcpStream>, body: &str) -> String {
    let length = body.len();
    write!(stream, "POST /v1/batches HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
        .expect("sent");
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("an answer");
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn events_come_by_http_1_1_behind_tls() {
    let pair = pair();
    let server = Server::with(&config(pair.folder.path()));
    // Who offers nothing speaks HTTP/1.1.
    for (seq, offer) in [(1, &["http/1.1"][..]), (2, &[])] {
        let mut stream = connect(&server, &pair, offer);
        assert_eq!(stream.conn.alpn_protocol(), offer.first().map(|name| name.as_bytes()));
        assert_eq!(post(&mut stream, &event(1, seq)), "HTTP/1.1 200 OK");
    }
    assert_eq!(server.memory.events(), [event(1, 1), event(1, 2)]);
}

#[test]
fn http_2_is_agreed_on_by_alpn() {
    let pair = pair();
    let server = Server::with(&config(pair.folder.path()));
    let mut stream = connect(&server, &pair, &["h2", "http/1.1"]);
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    // The preface and an empty SETTINGS frame; a server of HTTP/2 begins with its own SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sent");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("an answer");
    assert_eq!(frame[3], 4, "a SETTINGS frame: {frame:?}");
}

#[test]
fn who_speaks_no_tls_or_dawdles_holds_up_no_other() {
    let pair = pair();
    let mut server = Server::with(&config(pair.folder.path()));
    let _silent = TcpStream::connect(server.address).expect("a connection");
    let mut plain = TcpStream::connect(server.address).expect("a connection");
    plain.write_all(b"POST /v1/batches HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // Closed or reset, with an alert at most.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(post(&mut connect(&server, &pair, &[]), &event(1, 1)), "HTTP/1.1 200 OK");
    server.stop().expect("in order");
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    let (one, other) = (pair(), pair());
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| one.folder.path().join(name));
    let said = |cert: &Path, key: &Path| format!("{:#}", acceptor(cert, key).err().expect("a fault"));
    assert!(acceptor(&cert, &key).is_ok());
    let empty = one.folder.path().join("empty.pem");
    fs::write(&empty, "").expect("written");
    assert!(said(&one.folder.path().join("none.pem"), &key).starts_with("tls.cert: "));
    assert!(said(&empty, &key).contains("no certificate"), "{}", said(&empty, &key));
    assert!(said(&cert, &cert).starts_with("tls.key: "));
    assert!(said(&cert, &other.folder.path().join("key.pem")).contains("do not belong together"));
    let half = "open = true\n[sink]\nkind = \"memory\"\n[tls]\ncert = \"c.pem\"";
    let error = Config::from_toml(half, Overrides::default()).expect_err("half of a pair");
    assert!(error.to_string().starts_with("tls: "), "{error}");
}
