//! Frames of append-only files: `len u32 LE | crc32 u32 LE | bytes`. A file may end in the middle of one
//! (*torn tail*), or in zeros where it was laid out in advance; both end the readable part.

use alloc::vec::Vec;

/// Longest content. A corrupt length must not make a reader allocate gigabytes; the largest event or request
/// is far below (1 MiB of request body, 8 MiB unpacked).
pub const MAX_LEN: u32 = 16 * 1024 * 1024;

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;

/// A content that cannot be framed: it is empty (which a laid-out file of zeros would be full of) or longer
/// than [`MAX_LEN`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadLength;

impl core::fmt::Display for BadLength {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a frame holds 1 byte to 16 MiB")
    }
}

impl core::error::Error for BadLength {}

/// Appends `content` to `out` as a frame; `out` is unchanged on an error.
pub fn write(out: &mut Vec<u8>, content: &[u8]) -> Result<(), BadLength> {
    let header = Header::of(content)?;
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(content);
    Ok(())
}

/// The header of a frame, for readers that fetch the content afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    len: u32,
    crc: u32,
}

impl Header {
    /// The header that goes before `content`.
    pub fn of(content: &[u8]) -> Result<Self, BadLength> {
        let len = u32::try_from(content.len()).map_err(|_| BadLength)?;
        if !(1..=MAX_LEN).contains(&len) {
            return Err(BadLength);
        }
        Ok(Self { len, crc: crc32fast::hash(content) })
    }

    /// Reads a header. `BadLength` means that no frame begins here.
    pub fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, BadLength> {
        let [a, b, c, d, crc @ ..] = bytes;
        let len = u32::from_le_bytes([a, b, c, d]);
        if !(1..=MAX_LEN).contains(&len) {
            return Err(BadLength);
        }
        Ok(Self { len, crc: u32::from_le_bytes(crc) })
    }

    /// The header as it is written.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        (u64::from(self.len) | u64::from(self.crc) << 32).to_le_bytes()
    }

    /// Length of the content: 1 to [`MAX_LEN`].
    #[must_use]
    pub const fn content_len(self) -> usize {
        self.len as usize
    }

    /// Whether `content` is what was framed.
    #[must_use]
    pub fn matches(self, content: &[u8]) -> bool {
        content.len() == self.content_len() && crc32fast::hash(content) == self.crc
    }
}

/// Reads the frames at the beginning of `buffer`.
#[must_use]
pub const fn frames(buffer: &[u8]) -> Frames<'_> {
    Frames { rest: buffer, valid_len: 0, tail: Tail::Clean }
}

/// Iterates over the contents of whole frames and stops at the first that is not; see [`frames`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
    valid_len: usize,
    tail: Tail,
}

/// What lies behind the last whole frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tail {
    /// Nothing.
    Clean,
    /// Bytes that are no frame, however many more are read.
    Corrupt,
    /// The beginning of a frame: more bytes may complete it.
    Torn,
}

impl Frames<'_> {
    /// Bytes of the frames returned so far: where to cut the file, or where to read on.
    #[must_use]
    pub const fn valid_len(&self) -> usize {
        self.valid_len
    }

    /// What lies at [`valid_len`](Self::valid_len), once the iterator has ended.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        self.tail
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.tail = Tail::Clean;
        if self.rest.is_empty() {
            return None;
        }
        self.tail = Tail::Torn;
        let (header, rest) = self.rest.split_first_chunk()?;
        self.tail = Tail::Corrupt;
        let header = Header::parse(*header).ok()?;
        self.tail = Tail::Torn;
        let (content, rest) = rest.split_at_checked(header.content_len())?;
        self.tail = Tail::Corrupt;
        if !header.matches(content) {
            return None;
        }
        self.tail = Tail::Clean;
        self.rest = rest;
        self.valid_len += HEADER_LEN + content.len();
        Some(content)
    }
}
