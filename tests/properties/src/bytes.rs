//! Makes numbers of bytes: small ones often, and the largest, where arithmetic ends.

/// Reads bytes from the front; zeros follow the last.
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *byte
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        u32::from(self.byte()) % end
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u32 {
        match self.byte() {
            byte @ 0..200 => u32::from(byte) % 40,
            byte @ 200..220 => u32::MAX - u32::from(byte - 200) / 4,
            byte @ 220..240 => (1 << 31) - 10 + u32::from(byte - 220),
            _ => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
        }
    }

    /// Any large number.
    pub(crate) fn long(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..250 => u64::from(byte) << self.below(40),
            byte => u64::MAX - u64::from(255 - byte),
        }
    }
}
