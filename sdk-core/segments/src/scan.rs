//! Walks the frames of one segment file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use headwater_core::frame::{self, Header, Tail};

/// Large enough that a system call is cheap beside decoding it, small enough to stay in the L2 cache.
const CHUNK_BYTES: usize = 256 << 10;

pub(crate) struct Frames {
    file: File,
    /// Where in the file `pending` begins.
    position: u64,
    buffer: Vec<u8>,
    /// How much of `buffer` has been handed out.
    taken: usize,
}

pub(crate) enum Next<'a> {
    /// These bytes are no frame.
    Bad,
    /// The file ends here, between two frames.
    End,
    Record(&'a [u8]),
    /// The file ends within a frame.
    Torn,
}

impl Frames {
    pub(crate) fn new(file: File) -> Self {
        Self { file, position: 0, buffer: Vec::new(), taken: 0 }
    }

    /// Where the next frame begins, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        loop {
            let pending = &self.buffer[self.taken..];
            let mut frames = frame::frames(pending);
            if let Some(record) = frames.next() {
                let length = record.len();
                let total = frames.valid_len();
                self.taken += total;
                self.position += total as u64;
                return Ok(Next::Record(&self.buffer[self.taken - length..self.taken]));
            }
            if frames.tail() == Tail::Corrupt {
                return Ok(Next::Bad);
            }
            let missing = missing_bytes(pending);
            if !self.fill(missing)? {
                return Ok(if self.taken == self.buffer.len() { Next::End } else { Next::Torn });
            }
        }
    }

    /// Forgets what was read ahead, because the writer may not have finished it.
    pub(crate) fn forget_ahead(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.taken = 0;
        self.file.seek(SeekFrom::Start(self.position)).map(drop)
    }

    /// Reads at least one more byte and at least `missing` if they are there; `false` at the end.
    fn fill(&mut self, missing: usize) -> io::Result<bool> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let before = self.buffer.len();
        let wanted = missing.max(CHUNK_BYTES) as u64;
        (&mut self.file).take(wanted).read_to_end(&mut self.buffer)?;
        Ok(self.buffer.len() > before)
    }
}

/// How many bytes the frame that begins with `pending` lacks at least.
fn missing_bytes(pending: &[u8]) -> usize {
    let header = pending.first_chunk().and_then(|header| Header::parse(*header).ok());
    let total = frame::HEADER_LEN + header.map_or(0, Header::content_len);
    total.saturating_sub(pending.len())
}
