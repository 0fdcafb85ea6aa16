//! Who a sender is: by a bearer key, or by a signature over time and body.
//!
//! ```text
//! hw-sender: edge-eu
//! hw-timestamp: 1710320010123                    Unix milliseconds
//! hw-signature: v1=<hex of HMAC-SHA256(key, timestamp "." body as it is sent)>[,v1=…]
//! ```

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use crate::{
    config::{Secret, SenderTable},
    hex,
};

/// The senders, and how they are known.
pub struct Senders {
    all: Vec<Sender>,
    /// By the digest of a key: what a lookup tells by its time is nothing about a key.
    by_key: HashMap<[u8; 32], usize>,
    by_name: HashMap<String, usize>,
    /// Who has no key is this one.
    anyone: Option<usize>,
}

struct Sender {
    keys: Vec<Secret>,
    can_retry: bool,
}

/// A sender that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Known {
    pub(super) number: u64,
    pub(super) can_retry: bool,
}

/// What a request says about who sends it.
pub(super) enum Claim {
    /// It is known.
    Proven(Known),
    /// It has signed; the body shows whether that is true.
    Signed(Signed),
}

pub(super) struct Signed {
    sender: usize,
    timestamp: String,
    macs: Vec<Vec<u8>>,
    /// Unix milliseconds.
    pub(super) at: i64,
}

const FORM: &str = "hw-sender, hw-timestamp (Unix ms) and hw-signature (v1=<hex>) belong together";

impl Senders {
    /// From the configuration. `open`: who claims nothing may send too.
    #[must_use]
    pub fn new(tables: &[SenderTable], open: bool) -> Self {
        let mut known =
            Self { all: Vec::new(), by_key: HashMap::new(), by_name: HashMap::new(), anyone: None };
        for table in tables {
            let number = known.all.len();
            known.by_name.insert(table.name.clone(), number);
            for key in &table.keys {
                known.by_key.insert(Sha256::digest(key.as_bytes()).into(), number);
            }
            known.all.push(Sender { keys: table.keys.clone(), can_retry: table.can_retry });
        }
        if open {
            known.anyone = Some(known.all.len());
            known.all.push(Sender { keys: Vec::new(), can_retry: true });
        }
        known
    }

    /// What the headers claim.
    pub(super) fn claim(&self, headers: &HeaderMap) -> Result<Claim, Refusal> {
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let key = authorization.to_str().ok().and_then(|text| text.split_once(' '));
            let key = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, key) = key.ok_or_else(|| Refusal::unauthorised("authorization: not `Bearer <key>`"))?;
            let digest: [u8; 32] = Sha256::digest(key.trim()).into();
            let number = self.by_key.get(&digest).ok_or_else(|| Refusal::unauthorised("unknown key"))?;
            return Ok(Claim::Proven(self.known(*number)));
        }
        if headers.contains_key("hw-signature") {
            return self.signed(headers).map(Claim::Signed);
        }
        let number = self.anyone.ok_or_else(|| Refusal::unauthorised("a key or a signature is needed"))?;
        Ok(Claim::Proven(self.known(number)))
    }

    /// Whether one of the sender's keys made one of the signatures; the one that it was.
    pub(super) fn verify(&self, signed: &Signed, body: &[u8]) -> Result<(Known, Vec<u8>), Refusal> {
        for key in &self.all[signed.sender].keys {
            let made = mac(key.as_bytes(), &signed.timestamp, body);
            for given in &signed.macs {
                if made.clone().verify_slice(given).is_ok() {
                    return Ok((self.known(signed.sender), given.clone()));
                }
            }
        }
        Err(Refusal::unauthorised("wrong signature"))
    }

    fn signed(&self, headers: &HeaderMap) -> Result<Signed, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let form = || Refusal::unauthorised(FORM);
        let name = text("hw-sender").ok_or_else(form)?;
        let timestamp = text("hw-timestamp").ok_or_else(form)?;
        let at = timestamp.parse().map_err(|_| form())?;
        let signatures = text("hw-signature").ok_or_else(form)?;
        let macs: Vec<_> = signatures
            .split(',')
            .filter_map(|signature| hex::decode(signature.trim().strip_prefix("v1=")?))
            .take(MOST_SIGNATURES)
            .collect();
        if macs.is_empty() {
            return Err(form());
        }
        // Who guesses names is told the same as who guesses keys.
        let sender = *self.by_name.get(name).ok_or_else(|| Refusal::unauthorised("wrong signature"))?;
        Ok(Signed { sender, timestamp: timestamp.to_owned(), macs, at })
    }

    fn known(&self, number: usize) -> Known {
        Known { number: number as u64, can_retry: self.all[number].can_retry }
    }
}

/// While a key is rotated a sender may sign with both; nobody has more.
const MOST_SIGNATURES: usize = 4;

/// The value of `hw-signature` for a body, with one key.
#[must_use]
pub fn signature(key: &[u8], unix_ms: i64, body: &[u8]) -> String {
    let made = mac(key, &unix_ms.to_string(), body).finalize().into_bytes();
    format!("v1={}", hex::encode(&made))
}

fn mac(key: &[u8], timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}
