//! What the core tells a shell to do.

use super::{Settings, StreamNo};
use crate::{
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};

/// Something to do, in the order given. Ranges are half-open.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)] // as `Input`
pub enum Effect {
    /// Forget who the visitor is: draw new ids, end the session, open new streams
    /// ([`Change::Erase`](crate::identity::Change::Erase)). What was held is purged by the effects before.
    Erase,
    /// Remove events `from..to` from the journal: each is settled, or named in a durable record. Some may
    /// already be gone.
    Forget { stream: StreamNo, from: u32, to: u32 },
    /// Remove the journal entry of this [`Effect::Record`]: its names are acknowledged, or a later record
    /// covers them. Tidiness only; a shell may leave it to [`Effect::ForgetStream`].
    ForgetRecord { record: u32, stream: StreamNo },
    /// Remove the stream altogether, its header last. Of an adopted stream only what was told is removed, and
    /// the header only if nothing else remains: without locks its owner may be alive and have written since.
    ForgetStream { stream: StreamNo },
    /// Write to the journal that events `from..to` are lost, then answer
    /// [`Input::Recorded`](super::Input::Recorded) with the same number. If the write fails, do not answer: the
    /// events stay, and an adopter decides anew. (For an adopted stream too this is an entry of this shell's
    /// own: no entry has two writers.)
    Record { record: u32, stream: StreamNo, from: u32, to: u32, reason: Reason },
    /// Refuse every later call as `verdict` until then, and share that with the other tabs and with later runs; with
    /// `None` accept again (`until` means nothing then). Told at each change; a verdict that goes on beyond `until` is
    /// told again then, so what is shared ends by itself at `until`. But for a site that is gone, which is
    /// [`Stopped`](Refusal::Stopped) until `u64::MAX`, that is a day ahead at most: whoever finds more has had its clock
    /// set back, and takes it for over. Nothing replaces the verdict of a site that is gone: others of the device, who
    /// have not heard of it, may tell a lesser one. Streams that are opened nevertheless are served.
    Refuse { verdict: Option<Refusal>, until: UnixMs },
    /// Share the Retry-After gate with the other tabs or processes.
    SaveGate { until: UnixMs },
    /// Share the session with the other tabs or processes.
    SaveSession(Session),
    /// Keep the remote settings, and share them with the other tabs or processes
    /// ([`Input::SettingsChanged`](super::Input::SettingsChanged)).
    SaveSettings(Settings),
    /// Send [`Client::request`](super::Client::request)`(request)` and answer
    /// [`Input::Answered`](super::Input::Answered), except after a [`Transport::Beacon`]. The shell gives every
    /// request a time limit of its own; a request that never ends blocks its place.
    Send { request: u32, stream: StreamNo, transport: Transport },
    /// Write to the journal that events from `from` on belong to `session`.
    Stamp { stream: StreamNo, from: u32, session: SessionId },
}

/// The way a request leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Fire and forget, at most 60 KB (`navigator.sendBeacon`).
    Beacon,
    /// An ordinary request.
    Fetch,
    /// A request that outlives the page; its answer still counts.
    Keepalive,
}
