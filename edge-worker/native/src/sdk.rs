//! The browser SDK, served from the folder that `cargo xtask web` builds.
//!
//! | path | cached | |
//! |---|---|---|
//! | `/sdk.js` | an hour | the script of this build |
//! | `/sdk-<hash>.js` | for good | the same; a page that names it may check its integrity |
//! | `/sdk-<hash>/…` | for good | what the script loads later |
//!
//! The script loads `core.js` and the wasm from beside itself. Here they have their build's hash in their path, and the script
//! is told so: a script that some cache kept never meets the core of another build.

use std::{collections::BTreeMap, fs, io, path::Path};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256, Sha384};

/// The script as it is built.
const SCRIPT: &str = "headwater.iife.js";

/// What it loads, and may load by name.
const PARTS: [&str; 4] = ["core.js", "debug.js", "headwater.wasm", "headwater.wasm.js"];

/// Of these the script itself knows the names.
const NAMED: [&str; 3] = ["core.js", "debug.js", "headwater.wasm"];

/// The files of one build, in memory.
#[derive(Debug)]
pub struct Sdk {
    hash: String,
    files: BTreeMap<String, File>,
    integrity: String,
}

#[derive(Clone, Debug)]
struct File {
    kind: &'static str,
    lasts: &'static str,
    etag: String,
    plain: Bytes,
    gzip: Bytes,
}

const AN_HOUR: &str = "public, max-age=3600";
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

impl Sdk {
    /// Reads a folder. Fails if a file is missing, or the script does not name what it loads as this knows it.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        };
        let parts: Vec<_> = PARTS.iter().map(|name| Ok((*name, read(name)?))).collect::<io::Result<_>>()?;
        let mut script = String::from_utf8(read(SCRIPT)?).map_err(io::Error::other)?;
        let mut all = Sha256::new_with_prefix(&script);
        for (_, bytes) in &parts {
            all.update(bytes);
        }
        let hash = hex(&all.finalize());
        for name in NAMED {
            script = with_path(&script, name, &format!("sdk-{hash}/{name}")).ok_or_else(|| {
                io::Error::other(format!(
                    "{SCRIPT}: does not name {name:?} once, so it is not of this version"
                ))
            })?;
        }
        let integrity = format!("sha384-{}", STANDARD.encode(Sha384::digest(&script)));
        let mut files = BTreeMap::new();
        let script = File::new("sdk.js", FOR_GOOD, script.into_bytes())?;
        files.insert("/sdk.js".to_owned(), File { lasts: AN_HOUR, ..script.clone() });
        files.insert(format!("/sdk-{hash}.js"), script);
        for (name, bytes) in parts {
            files.insert(format!("/sdk-{hash}/{name}"), File::new(name, FOR_GOOD, bytes)?);
        }
        Ok(Self { hash, files, integrity })
    }

    /// The path of the script that never changes, below the prefix.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/sdk-{}.js", self.hash)
    }

    /// Of the script, for the `integrity` attribute: `sha384-…`.
    #[must_use]
    pub fn integrity(&self) -> &str {
        &self.integrity
    }

    /// The tag that a page needs, with the script at `base` (an origin and the prefix).
    #[must_use]
    pub fn tag(&self, base: &str) -> String {
        let (path, integrity) = (self.path(), &self.integrity);
        format!(r#"<script src="{base}{path}" integrity="{integrity}" crossorigin="anonymous"></script>"#)
    }

    /// Its paths, below `prefix`.
    pub(crate) fn router(&self, prefix: &str) -> Router {
        self.files.iter().fold(Router::new(), |router, (path, file)| {
            let file = file.clone();
            // `get` takes HEAD, too.
            router
                .route(&format!("{prefix}{path}"), get(async move |headers: HeaderMap| file.answer(&headers)))
        })
    }
}

impl File {
    fn new(name: &str, lasts: &'static str, bytes: Vec<u8>) -> io::Result<Self> {
        let kind = match Path::new(name).extension().and_then(|end| end.to_str()) {
            Some("wasm") => "application/wasm",
            _ => "text/javascript; charset=utf-8",
        };
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        io::Write::write_all(&mut packed, &bytes)?;
        let etag = format!("\"{}\"", hex(&Sha256::digest(&bytes)));
        Ok(Self { kind, lasts, etag, plain: bytes.into(), gzip: packed.finish()?.into() })
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|etag| *etag == *self.etag);
        let takes_gzip = headers.get(header::ACCEPT_ENCODING).is_some_and(|value| {
            value
                .to_str()
                .unwrap_or_default()
                .split(',')
                .any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
        });
        let body = match (is_known, takes_gzip) {
            (true, _) => Bytes::new(),
            (false, true) => self.gzip.clone(),
            (false, false) => self.plain.clone(),
        };
        let mut response = Response::new(Body::from(body));
        let etag = HeaderValue::from_str(&self.etag).expect("hex in quotes");
        let all = response.headers_mut();
        for (name, value) in [
            (header::CACHE_CONTROL, HeaderValue::from_static(self.lasts)),
            (header::ETAG, etag),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            // Any page may load it, and check its integrity.
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ] {
            all.insert(name, value);
        }
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if takes_gzip {
            all.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

const CROSS_ORIGIN_RESOURCE_POLICY: header::HeaderName =
    header::HeaderName::from_static("cross-origin-resource-policy");

/// The script with one quoted name replaced, if it is there exactly once.
fn with_path(script: &str, name: &str, path: &str) -> Option<String> {
    let quotes = ['"', '\'', '`'];
    let found: Vec<_> = quotes
        .iter()
        .flat_map(|quote| {
            script.match_indices(&format!("{quote}{name}{quote}")).map(|(at, _)| at).collect::<Vec<_>>()
        })
        .collect();
    let [at] = found[..] else { return None };
    Some(format!("{}{path}{}", &script[..=at], &script[at + 1 + name.len()..]))
}

/// The first bytes of a hash, in hex.
fn hex(hash: &[u8]) -> String {
    let bytes = hash.first_chunk().expect("a hash is longer");
    format!("{:016x}", u64::from_be_bytes(*bytes))
}
