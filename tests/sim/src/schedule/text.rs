//! Steps as people read them.

use std::fmt;

use super::{Act, Call, Fate, Hop, Life, Page, Remote, Schedule, Setup, Step};

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.setup)?;
        self.steps.iter().enumerate().try_for_each(|(at, step)| writeln!(f, "{at:>4}. {step}"))
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?}, ending {:?}", self.platform, self.topology, self.ending)?;
        write!(f, ", locks {}, latency {} ms", self.locks, self.latency_ms)?;
        write!(f, ", storage {} bytes, consent {:?}", self.capacity, self.consent)?;
        if !self.stores {
            f.write_str(", nothing is stored")?;
        }
        if self.waits_for_consent {
            f.write_str(" (calls wait)")?;
        }
        if self.queue_bytes > 0 {
            write!(f, ", queue of {} bytes", self.queue_bytes)?;
        }
        if self.queue_events > 0 {
            write!(f, ", queue of {} events", self.queue_events)?;
        }
        match self.seen_ranges {
            0 => f.write_str(", no seen cache"),
            ranges => write!(f, ", seen cache of {ranges} ranges"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.act.fmt(f)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {}.{}", self.device, self.slot)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Adopt { page, lag } => write!(f, "{page} looks for dead streams, as of {lag} writes ago"),
            Self::Arm { hop, fate, count } => write!(f, "the next {count} {hop}: {fate}"),
            Self::Backup => f.write_str("the store is backed up"),
            Self::Broker { is_up: true } => f.write_str("the broker is there again"),
            Self::Broker { is_up: false } => f.write_str("the broker goes away"),
            Self::Call { page, call, count } => write!(f, "{page} calls {call} {count} times"),
            Self::Clear { device } => write!(f, "the storage of device {device} is cleared"),
            Self::Clock { device, by_ms } => {
                write!(f, "the clock of device {device} is set by {}", ms(by_ms))
            }
            Self::Close { page } => write!(f, "{page} is closed"),
            Self::CommitFails { done, count } => {
                let how = if done { "although it was done" } else { "and nothing of it is there" };
                write!(f, "the next {count} commits fail, {how}")
            }
            Self::Consent { page, purpose, decision } => {
                write!(f, "on {page} purpose {purpose} is decided: {decision:?}")
            }
            Self::Copy { device } => write!(f, "device {device} is copied onto the next"),
            Self::CrashEdge { edge } => write!(f, "edge {edge} crashes and comes back"),
            Self::CrashStage => f.write_str("what is behind the edges crashes and comes back"),
            Self::CrashStore => f.write_str("the consumer crashes and comes back"),
            Self::Erase { page } => write!(f, "{page} is told to erase"),
            Self::Fill { device, on: true } => write!(f, "the storage of device {device} is full"),
            Self::Fill { device, on: false } => write!(f, "the storage of device {device} has room"),
            Self::Flush { page } => write!(f, "{page} flushes"),
            Self::Fork { page, to } => write!(f, "{page} is forked into slot {to}"),
            Self::Gaps => f.write_str("a broken SDK sends every second event of a long stream"),
            Self::Kill { page } => write!(f, "{page} is killed"),
            Self::KillAt { device, writes, percent } => {
                write!(f, "write {writes} of device {device} kills its page, {percent} % of it is kept")
            }
            Self::Leave { device } => write!(f, "device {device} is never heard of again"),
            Self::Life { page, life } => write!(f, "{page}: {life}"),
            Self::Open { page, ignores: true, .. } => write!(f, "{page} opens and adopts nothing"),
            Self::Open { page, lag, .. } => {
                write!(f, "{page} opens and adopts what was there {lag} writes ago")
            }
            Self::Partition { more } => write!(f, "the topic gets {more} more partitions"),
            Self::Pause { ms: time } => {
                write!(f, "what is behind the edges stands still for {}", ms(time.into()))
            }
            Self::PowerLoss { device } => write!(f, "device {device} loses power"),
            Self::Recreate { kept, from_zero } => {
                let offsets = if from_zero { "offsets from 0" } else { "higher offsets" };
                write!(f, "the topic is created anew with the last {kept} records, {offsets}")
            }
            Self::Reset { page } => write!(f, "{page} resets the visitor"),
            Self::Restore { log: true } => f.write_str("store and log are restored from the backup"),
            Self::Restore { log: false } => f.write_str("the store is restored from the backup"),
            Self::Retention { kept } => write!(f, "retention removes all but the last {kept} records"),
            Self::RollBack { device, writes } => write!(f, "device {device} goes back by {writes} writes"),
            Self::Settings { page, settings } => write!(f, "{page} gets settings: {settings}"),
            Self::Upgrade { device } => {
                write!(f, "device {device} was once ahead: a journal of a later version")
            }
            Self::Wake { page } => write!(f, "{page} is shown again"),
            Self::Wait { ms: time } => write!(f, "{} pass", ms(i64::try_from(time).unwrap_or(i64::MAX))),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exposure => f.write_str("exposure"),
            Self::Group => f.write_str("group"),
            Self::Identify(who) => write!(f, "identify(u{who})"),
            Self::Large(bytes) => write!(f, "track of {bytes} bytes"),
            Self::Marketing => f.write_str("track for marketing"),
            Self::Page => f.write_str("page"),
            Self::Poison => f.write_str("track with what no collector accepts"),
            Self::Purchase => f.write_str("purchase"),
            Self::Register => f.write_str("register"),
            Self::Set => f.write_str("set"),
            Self::Track => f.write_str("track"),
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hidden => "hidden",
            Self::MemoryPressure => "memory pressure",
            Self::Offline => "offline",
            Self::Online => "online",
            Self::Visible => "visible",
        })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("none"),
            Self::RateCap(calls) => write!(f, "{calls} calls a minute"),
            Self::Sample(of) => write!(f, "{of} of 10,000 visitors"),
            Self::SmallQueue(bytes) => write!(f, "a queue of {bytes} bytes"),
            Self::Stop(minutes) => write!(f, "nothing for {minutes} min"),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broker => "requests to the broker",
            Self::Client => "requests of pages",
            Self::Stage => "requests of edges",
        })
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: u64| ms(i64::try_from(time).unwrap_or(i64::MAX));
        match *self {
            Self::AnswerLost => f.write_str("answer lost"),
            Self::Foreign { status } => write!(f, "not delivered, a foreign {status} comes back"),
            Self::ForeignAfter { status } => write!(f, "delivered, a foreign {status} comes back"),
            Self::Late { ms } => write!(f, "{} late", time(ms)),
            Self::LateAnswer { ms } => write!(f, "answer {} late", time(ms)),
            Self::Lost => f.write_str("lost"),
            Self::Refused { status, retry_after_s } => {
                write!(f, "refused, {status}, retry-after {retry_after_s} s")
            }
            Self::Twice { ms } => write!(f, "again after {}", time(ms)),
            Self::WrongAck { by } => write!(f, "hw-ack wrong by {by}"),
        }
    }
}

/// Milliseconds in the unit that reads best.
pub(crate) fn ms(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let unit = UNITS.into_iter().find(|(size, _)| ms.abs() >= *size);
    let Some((size, name)) = unit else { return format!("{ms} ms") };
    let (whole, tenths) = (ms / size, (ms.abs() % size) * 10 / size);
    if tenths == 0 { format!("{whole} {name}") } else { format!("{whole}.{tenths} {name}") }
}
