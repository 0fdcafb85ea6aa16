//! What the pages or processes of a device share: a few small entries, last writer wins. Nothing of the promise rests
//! on them.

use headwater_core::{
    client::{Decision, Purpose, Settings},
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};
use uuid::Uuid;

use crate::{
    disk::Item,
    text::{Props, Text, put_string},
};

/// A change that the others hear of, as a `storage` event tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shared {
    /// The visitor decided.
    Consent {
        /// About what.
        purpose: Purpose,
        /// How.
        decision: Decision,
    },
    /// No request before this time.
    Gate {
        /// Unix ms of the shell that was told.
        until: UnixMs,
    },
    /// The visitor was identified, reset, erased or forgotten. Whoever hears of it compares before its next append.
    Identity,
    /// Calls are refused as `verdict` until then; with `None` no longer.
    Refusal {
        /// As what.
        verdict: Option<Refusal>,
        /// Unix ms.
        until: UnixMs,
    },
    /// What goes with every event. Whoever hears of it reads it.
    Registered,
    /// The session; `None` when the visitor was reset.
    Session(Option<Session>),
    /// The site's settings.
    Settings(Settings),
}

impl Shared {
    /// Under which name it is kept.
    pub(crate) const fn item(self) -> Item {
        match self {
            Self::Consent { purpose, .. } => Item::Consent(purpose.0),
            Self::Gate { .. } => Item::Gate,
            Self::Identity => Item::Identity,
            Self::Refusal { .. } => Item::Refusal,
            Self::Registered => Item::Registered,
            Self::Session(_) => Item::Session,
            Self::Settings(_) => Item::Settings,
        }
    }

    /// Its bytes; none if the entry goes.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        match self {
            Self::Consent { decision, .. } => bytes.push(match decision {
                Decision::Denied => 0,
                Decision::Granted => 1,
                Decision::Unknown => 2,
            }),
            Self::Gate { until } => bytes.extend(until.0.to_le_bytes()),
            Self::Refusal { verdict: Some(verdict), until } => {
                bytes.extend(until.0.to_le_bytes());
                bytes.extend(verdict.as_str().as_bytes());
            }
            Self::Session(Some(session)) => {
                bytes.extend(session.id.words().into_iter().flat_map(u32::to_le_bytes));
                bytes.extend(session.started.0.to_le_bytes());
                bytes.extend(session.last_active.0.to_le_bytes());
            }
            Self::Settings(Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms }) => {
                let numbers = [sample, calls_per_minute, flush_ms, queue_bytes, stop_ms];
                bytes.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
            }
            Self::Identity | Self::Refusal { verdict: None, .. } | Self::Registered | Self::Session(None) => {
            }
        }
        bytes
    }

    /// What the bytes under this name say, if they say anything.
    pub(crate) fn parse(item: Item, bytes: &[u8]) -> Option<Self> {
        let words = bytes.as_chunks().0.iter().copied().map(u32::from_le_bytes).collect::<Vec<_>>();
        let time =
            |at: usize| Some(UnixMs(u64::from(*words.get(at)?) | u64::from(*words.get(at + 1)?) << 32));
        Some(match item {
            Item::Consent(purpose) => Self::Consent {
                purpose: Purpose(purpose),
                decision: *[Decision::Denied, Decision::Granted, Decision::Unknown]
                    .get(usize::from(*bytes.first()?))?,
            },
            Item::Gate => Self::Gate { until: time(0)? },
            Item::Identity => Self::Identity,
            Item::Refusal => {
                let word = bytes.get(8..)?;
                let verdict = Refusal::ALL.into_iter().find(|verdict| verdict.as_str().as_bytes() == word);
                Self::Refusal { verdict: Some(verdict?), until: time(0)? }
            }
            Item::Registered => Self::Registered,
            Item::Session => Self::Session(Some(Session {
                id: SessionId::from_words(*words.first_chunk()?),
                started: time(4)?,
                last_active: time(6)?,
            })),
            Item::Settings => match words[..] {
                [sample, calls_per_minute, flush_ms, queue_bytes, stop_ms] => {
                    Self::Settings(Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms })
                }
                _ => return None,
            },
        })
    }
}

/// Who the visitor is. The revision makes every change visible to the others, even one back to the same user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// One more with each change.
    pub revision: u32,
    /// The anonymous id.
    pub client: Uuid,
    /// The device.
    pub device: Uuid,
    /// The user, once there is one.
    pub user: Option<Text>,
}

impl Identity {
    /// A visitor nobody has seen.
    pub(crate) fn draw(revision: u32, rng: &mut fastrand::Rng) -> Self {
        Self { revision, client: uuid(rng), device: uuid(rng), user: None }
    }

    /// What sampling goes by: the first 32 bits of the client id.
    pub(crate) fn draw_of_sample(&self) -> u32 {
        self.client.as_fields().0
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.revision.to_le_bytes());
        bytes.extend(self.client.as_bytes());
        bytes.extend(self.device.as_bytes());
        bytes.extend(self.user.iter().flat_map(|user| user.bytes()));
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (revision, rest) = bytes.split_first_chunk()?;
        let (client, rest) = rest.split_first_chunk()?;
        let (device, user) = rest.split_first_chunk()?;
        let user = str::from_utf8(user).ok()?;
        Some(Self {
            revision: u32::from_le_bytes(*revision),
            client: Uuid::from_bytes(*client),
            device: Uuid::from_bytes(*device),
            user: (!user.is_empty()).then(|| user.to_owned().into()),
        })
    }

    /// Appends the wire header of a stream: its JSON members, without braces.
    pub(crate) fn put_header(&self, out: &mut Vec<u8>, stream: Uuid, stored: bool, setup: &crate::Setup) {
        let id = |out: &mut Vec<u8>, id: Uuid| {
            out.push(b'"');
            out.extend(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
            out.push(b'"');
        };
        let text = |out: &mut Vec<u8>, text: Option<&str>| match text {
            Some(text) => put_string(out, text),
            None => out.extend(b"null"),
        };
        out.extend(b"\"stream\":");
        id(out, stream);
        out.extend(b",\"client_id\":");
        id(out, self.client);
        out.extend(b",\"user_id\":");
        text(out, self.user.as_deref());
        out.extend(b",\"context\":{\"sdk\":\"test/0.1.0\",\"platform\":");
        text(out, Some(&setup.platform));
        out.extend(b",\"app_version\":");
        text(out, setup.app_version.as_deref());
        out.extend(b",\"device_id\":");
        id(out, self.device);
        out.extend(b",\"locale\":\"en-GB\",\"tz\":\"Europe/London\",\"screen\":\"1512x982\"");
        if !stored {
            out.extend(b",\"no_storage\":true");
        }
        out.push(b'}');
    }
}

/// Registered properties as bytes: each text after its length.
pub(crate) fn registered_bytes(registered: &[(Text, Text)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in registered.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(u32::try_from(text.len()).expect("a property is short").to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Reads them back; what is not ours ends them.
pub(crate) fn read_registered(mut bytes: &[u8]) -> Props {
    let mut text = || {
        let (len, rest) = bytes.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        Some(Text::from(str::from_utf8(text).ok()?.to_owned()))
    };
    std::iter::from_fn(|| Some((text()?, text()?))).collect()
}

/// A UUID v4.
pub(crate) fn uuid(rng: &mut fastrand::Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}
