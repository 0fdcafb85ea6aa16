//! What the core tells a shell to do.

use super::{Settings, StreamNo};
use crate::{
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};

/// Something to do, in the order given. Ranges are half-open.
///
/// Its layout is fixed, so that a page reads it where it lies in the memory of the wasm, without code that writes it
/// anew: the number of its kind, then its fields in order, all of them numbers of 32 bits or (at an even place) of 64.
/// The numbers stand once more in `sdk-web/ts/wasm.ts`. They are never reused: journals keep those of reasons.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub enum Effect {
    /// Refuse no call any more, and share that as [`Effect::Refuse`] is.
    Accept = 12,
    /// Forget who the visitor is: draw new ids, end the session, open new streams
    /// ([`Change::Erase`](crate::identity::Change::Erase)). What was held is purged by the effects before.
    Erase = 11,
    /// Remove events `from..to` from the journal: each is settled, or named in a durable record. Some may
    /// already be gone.
    Forget { stream: StreamNo, from: u32, to: u32 } = 1,
    /// Remove the journal entry of this [`Effect::Record`]: its names are acknowledged, or a later record
    /// covers them. Tidiness only; a shell may leave it to [`Effect::ForgetStream`].
    ForgetRecord { record: u32, stream: StreamNo } = 2,
    /// Remove the stream altogether, its header last. Of an adopted stream only what was told is removed, and
    /// the header only if nothing else remains: without locks its owner may be alive and have written since.
    ForgetStream { stream: StreamNo } = 3,
    /// Write to the journal that events `from..to` are lost, then answer
    /// [`Input::Recorded`](super::Input::Recorded) with the same number. If the write fails, do not answer: the
    /// events stay, and an adopter decides anew. (For an adopted stream too this is an entry of this shell's
    /// own: no entry has two writers.)
    Record { record: u32, stream: StreamNo, from: u32, to: u32, reason: Reason } = 4,
    /// Refuse every later call as `verdict` until then, and share that with the other tabs and with later runs. Told at
    /// each change; a verdict that goes on beyond `until` is told again then, so what is shared ends by itself at
    /// `until`. But for a site that is gone, which is
    /// [`Stopped`](Refusal::Stopped) until `u64::MAX`, that is a day ahead at most: whoever finds more has had its clock
    /// set back, and takes it for over. Nothing replaces the verdict of a site that is gone: others of the device, who
    /// have not heard of it, may tell a lesser one. Streams that are opened nevertheless are served.
    Refuse { verdict: Refusal, until: UnixMs } = 9,
    /// Share the Retry-After gate with the other tabs or processes.
    SaveGate { until: UnixMs } = 5,
    /// Share the session with the other tabs or processes.
    SaveSession(Session) = 6,
    /// Keep the remote settings, and share them with the other tabs or processes
    /// ([`Input::SettingsChanged`](super::Input::SettingsChanged)).
    SaveSettings(Settings) = 10,
    /// Send [`Client::request`](super::Client::request)`(request)` and answer
    /// [`Input::Answered`](super::Input::Answered), except after a [`Transport::Beacon`]. The shell gives every
    /// request a time limit of its own; a request that never ends blocks its place.
    Send { request: u32, stream: StreamNo, transport: Transport } = 7,
    /// Write to the journal that events from `from` on belong to `session`.
    Stamp { stream: StreamNo, from: u32, session: SessionId } = 8,
}

const _: () = assert!(size_of::<Effect>() == 40 && align_of::<Effect>() == 8, "a page reads ten words");

/// The way a request leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)] // read by a page, as `Effect`
pub enum Transport {
    /// Fire and forget, at most 60 KB (`navigator.sendBeacon`).
    Beacon = 0,
    /// An ordinary request.
    Fetch = 1,
    /// A request that outlives the page; its answer still counts.
    Keepalive = 2,
}
