//! `headwater-bridge dlq`: looks at dead letters, and sends them again after a fix.
//!
//! A letter that is replayed stays where it is until retention takes it. So it may be replayed twice, and the second
//! time is a copy: the last stage knows an event by (site, stream, seq), or by its id if it has no stream.

mod letter;
#[cfg(feature = "kafka")]
mod read;
#[cfg(feature = "kafka")]
mod replay;

pub use self::letter::{Letter, Names, Place};
#[cfg(feature = "kafka")]
pub use self::run::run;

#[cfg(feature = "kafka")]
mod run {
    use std::io::Write;

    use anyhow::bail;

    use super::{
        Letter,
        read::Reader,
        replay::{Replay, Sum},
    };
    use crate::{
        cli::{Chosen, Dlq, Filter},
        config::Config,
    };

    /// Does what the command says, on a thread that may block in a runtime.
    pub fn run(command: &Dlq, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let reader = Reader::new(&config.kafka)?;
        match command {
            Dlq::List { filter, json, .. } => list(&reader, filter, *json, out),
            Dlq::Show { place, bytes, .. } => show(&reader.one(*place)?, *bytes, out),
            Dlq::Replay { chosen, .. } => replay(&reader, chosen, config, out),
        }
    }

    fn list(reader: &Reader, filter: &Filter, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
        if !json {
            writeln!(out, "{}", Letter::HEAD)?;
        }
        reader.all(|letter| {
            if !letter.is_of(filter) {
                return Ok(());
            }
            let line = if json { letter.json() } else { letter.line() };
            Ok(writeln!(out, "{line}")?)
        })?;
        Ok(out.flush()?)
    }

    fn show(letter: &Letter, only_bytes: bool, out: &mut impl Write) -> anyhow::Result<()> {
        if !only_bytes {
            writeln!(out, "{}\n", letter.page())?;
        }
        out.write_all(&letter.body)?;
        if !only_bytes {
            writeln!(out)?;
        }
        Ok(out.flush()?)
    }

    fn replay(reader: &Reader, chosen: &Chosen, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let mut replay = Replay::start(config, out)?;
        if chosen.all {
            reader.all(|letter| if letter.is_of(&chosen.filter) { replay.take(letter) } else { Ok(()) })?;
        } else {
            for place in &chosen.places {
                replay.take(reader.one(*place)?)?;
            }
        }
        let Sum { arrived, not } = replay.end()?;
        writeln!(out, "{arrived} arrived, {not} did not")?;
        if not > 0 {
            bail!("{not} of {} letters did not arrive", arrived + not);
        }
        Ok(out.flush()?)
    }
}
