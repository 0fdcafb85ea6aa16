//! A static file server for the example pages on loopback: GET and HEAD, no caching, nothing above its folders.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// A request head is one line and a few headers; a longer one is not a page load.
const HEAD_LIMIT: usize = 16 * 1024;
/// A browser may keep an idle connection; it gets this long to say something.
const IDLE: Duration = Duration::from_secs(10);

/// What is served.
pub(crate) struct Site {
    /// `(prefix, folder)`, longest prefix first; the last one has the prefix `/`.
    pub(crate) folders: Vec<(&'static str, PathBuf)>,
    /// Files that are made, not read: path to text.
    pub(crate) made: BTreeMap<&'static str, String>,
    /// `(prefix, file)`: a path below the prefix that is no file gets this one (a single-page application).
    pub(crate) fallback: (&'static str, PathBuf),
}

/// Serves until the process ends; returns the address. A taken port is an error that names it.
pub(crate) fn serve(site: Site, port: u16) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
    let address = listener.local_addr()?;
    let site = Arc::new(site);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            // A browser that goes away is no error of ours.
            thread::spawn(move || drop(answer(&site, stream)));
        }
    });
    Ok(format!("http://{address}"))
}

fn answer(site: &Site, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    let Some((method, path)) = read_head(&mut stream)? else { return Ok(()) };
    let found = if method == "GET" || method == "HEAD" { site.find(&path) } else { None };
    let (status, kind, body) = match found {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", b"not found\n".to_vec()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    stream.flush()
}

/// Method and path (without query) of the request, `None` if it is not one.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let mut bytes = Vec::new();
    let mut part = [0; 2048];
    while bytes.len() < HEAD_LIMIT {
        let read = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(_)) => {
                let (Some(method), Some(target)) = (request.method, request.path) else { return Ok(None) };
                let path = target.split(['?', '#']).next().unwrap_or_default();
                return Ok(Some((method.to_owned(), path.to_owned())));
            }
            Ok(httparse::Status::Partial) if read > 0 => {}
            _ => return Ok(None),
        }
    }
    Ok(None)
}

impl Site {
    /// Content type and bytes of what lies at `path`.
    fn find(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        if let Some(text) = self.made.get(path) {
            return Some((content_type(Path::new(path)), text.clone().into_bytes()));
        }
        let (prefix, folder) = self.folders.iter().find(|(prefix, _)| path.starts_with(prefix))?;
        let inside = Path::new(path[prefix.len()..].trim_start_matches('/'));
        if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let mut file = folder.join(inside);
        if file.is_dir() {
            file.push("index.html");
        }
        if !file.is_file() && path.starts_with(self.fallback.0) && inside.extension().is_none() {
            file.clone_from(&self.fallback.1);
        }
        Some((content_type(&file), std::fs::read(&file).ok()?))
    }
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|end| end.to_str()) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(folder: &Path) -> Site {
        std::fs::write(folder.join("index.html"), "home").expect("a file");
        std::fs::write(folder.join("app.html"), "app").expect("a file");
        Site {
            folders: vec![("/", folder.to_path_buf())],
            made: BTreeMap::from([("/config.js", "made".to_owned())]),
            fallback: ("/shop/", folder.join("app.html")),
        }
    }

    #[test]
    fn a_folder_is_its_index_and_an_unknown_path_of_the_application_is_the_application() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let site = site(folder.path());
        let body = |path: &str| site.find(path).map(|(_, body)| String::from_utf8_lossy(&body).into_owned());
        assert_eq!(body("/").as_deref(), Some("home"));
        assert_eq!(body("/shop/product/3").as_deref(), Some("app"));
        assert_eq!(body("/shop/missing.js"), None);
        assert_eq!(body("/config.js").as_deref(), Some("made"));
    }

    #[test]
    fn nothing_above_the_folder_is_served() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(folder.path().join("www")).expect("a directory");
        std::fs::write(folder.path().join("secret.txt"), "no").expect("a file");
        let site = site(&folder.path().join("www"));
        for path in ["/../secret.txt", "/x/../../secret.txt", "//etc/passwd", "/./../secret.txt"] {
            assert!(site.find(path).is_none(), "{path}");
        }
    }
}
