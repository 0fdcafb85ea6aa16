use std::{fs::File, path::Path};

use crate::{
    Error, Problem, files,
    scan::{Frames, Next},
};

/// Gives `visit` every record that can still be read, with its offset, ascending, and returns what could
/// not be: in each segment the records before the first bad one are read. Nothing is changed.
///
/// For a journal whose owner is dead and whose reader names what is missing; a log that acknowledged its
/// records is opened with [`Log`](crate::Log) or read with [`Reader`](crate::Reader), which refuse damage.
///
/// # Errors
/// Only when the directory cannot be listed.
pub fn salvage(dir: &Path, mut visit: impl FnMut(u64, &[u8])) -> Result<Vec<Error>, Error> {
    let bases = files::segment_bases(dir)?;
    let mut damage = Vec::new();
    for (index, &base) in bases.iter().enumerate() {
        let next_base = bases.get(index + 1).copied();
        if let Err(error) = salvage_segment(dir, base, next_base, &mut visit) {
            damage.push(error);
        }
    }
    Ok(damage)
}

fn salvage_segment(
    dir: &Path,
    base: u64,
    next_base: Option<u64>,
    visit: &mut impl FnMut(u64, &[u8]),
) -> Result<(), Error> {
    let path = files::segment_path(dir, base);
    let mut frames = Frames::new(File::open(&path).map_err(Error::io("open", &path))?);
    let mut offset = base;
    let problem = loop {
        match frames.next().map_err(Error::io("read", &path))? {
            Next::Record(record) => visit(offset, record),
            Next::End if next_base.is_none_or(|next| next == offset) => return Ok(()),
            Next::End => break Problem::Gap,
            Next::Bad | Next::Torn => break Problem::BadFrame,
        }
        offset += 1;
    };
    Err(Error::Corrupt { file: path, offset, position: frames.position(), problem })
}
