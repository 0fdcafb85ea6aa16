//! Random numbers from the entropy the shell gave: session ids and jitter.

/// ChaCha8 in counter mode. A plain generator would do for jitter; but whoever knows one session id must not be
/// able to compute the next, because [`reset`](super::Input::Reset) promises that nothing links the two.
#[derive(Clone, Debug)]
pub(super) struct Random {
    key: [u32; 8],
    drawn: u32,
}

impl Random {
    pub(super) fn new(entropy: [u8; 32]) -> Self {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(entropy.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { key, drawn: 0 }
    }

    /// 128 random bits.
    pub(super) fn words(&mut self) -> [u32; 4] {
        // "expand 32-byte k"
        const START: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
        let mut state = [0; 16];
        state[..4].copy_from_slice(&START);
        state[4..12].copy_from_slice(&self.key);
        state[12] = self.drawn;
        self.drawn = self.drawn.wrapping_add(1);
        // Quarter rounds on the columns, then on the diagonals, four times.
        for n in 0..32 {
            quarter_round(&mut state, n, n >> 2 & 1);
        }
        let mut words = START;
        for (word, state) in words.iter_mut().zip(state) {
            *word = word.wrapping_add(state);
        }
        words
    }

    /// A number from 0 to `max`, evenly.
    pub(super) fn up_to(&mut self, max: u32) -> u32 {
        let [word, ..] = self.words();
        // The high half of the product; it is at most `max`, so nothing is cut off.
        u32::try_from((u64::from(word) * (u64::from(max) + 1)) >> 32).unwrap_or(max)
    }
}

/// One quarter round, on the column `column`, or on the diagonal that begins there if `lean` is 1.
fn quarter_round(state: &mut [u32; 16], column: usize, lean: usize) {
    let row = |row: usize| (column + lean * row) % 4;
    let [a, b, c, d] = [row(0), 4 + row(1), 8 + row(2), 12 + row(3)];
    for [first, second] in [[16, 12], [8, 7]] {
        state[a] = state[a].wrapping_add(state[b]);
        state[d] = (state[d] ^ state[a]).rotate_left(first);
        state[c] = state[c].wrapping_add(state[d]);
        state[b] = (state[b] ^ state[c]).rotate_left(second);
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_chacha8() {
        // The first 16 bytes of the key stream for a key and nonce of zeros.
        let expected = [0x2fef_003e, 0xd640_5f89, 0xe8b8_5b7f, 0xa1a5_091f];
        assert_eq!(Random::new([0; 32]).words(), expected);
    }

    #[test]
    fn a_limit_is_kept_and_reached() {
        let mut random = Random::new([7; 32]);
        let mut met = [false; 4];
        for _ in 0..200 {
            met[random.up_to(3) as usize] = true;
        }
        assert_eq!(met, [true; 4]);
        assert_eq!(random.up_to(0), 0);
        random.up_to(u32::MAX);
    }
}
