//! Random numbers from the entropy the shell gave: session ids and jitter.

/// XTEA (Needham and Wheeler, 1997; 64 rounds) in counter mode: the smallest cipher that is one. A plain generator
/// would do for jitter; but whoever knows one session id must not be able to compute the next, because
/// [`reset`](super::Input::Reset) promises that nothing links the two.
#[derive(Clone, Debug)]
pub(super) struct Random {
    key: [u32; 4],
    nonce: u32,
    drawn: u32,
}

impl Random {
    pub(super) const fn new(entropy: [u8; 32]) -> Self {
        let mut words = [0; 8];
        let (mut rest, _) = entropy.as_chunks();
        let mut at = 0;
        while let [bytes, more @ ..] = rest {
            words[at] = u32::from_le_bytes(*bytes);
            (rest, at) = (more, at + 1);
        }
        Self::of_words(words)
    }

    pub(super) const fn of_words([a, b, c, d, nonce, drawn, ..]: [u32; 8]) -> Self {
        Self { key: [a, b, c, d], nonce, drawn }
    }

    /// 128 random bits.
    pub(super) fn words(&mut self) -> [u32; 4] {
        let ([a, b], [c, d]) = (self.block(), self.block());
        [a, b, c, d]
    }

    /// The next 64 bits of the stream.
    fn block(&mut self) -> [u32; 2] {
        let [mut low, mut high, mut sum] = [self.drawn, self.nonce, 0u32];
        self.drawn = self.drawn.wrapping_add(1);
        let mixed = |of: u32, key: u32| (of << 4 ^ of >> 5).wrapping_add(of) ^ key;
        for _ in 0..32 {
            low = low.wrapping_add(mixed(high, sum.wrapping_add(self.key[sum as usize & 3])));
            // The golden ratio.
            sum = sum.wrapping_add(0x9e37_79b9);
            high = high.wrapping_add(mixed(low, sum.wrapping_add(self.key[(sum >> 11) as usize & 3])));
        }
        [low, high]
    }

    /// A number from 0 to `max`, evenly.
    pub(super) fn up_to(&mut self, max: u32) -> u32 {
        let [word, _] = self.block();
        // The high half of the product; it is at most `max`, so nothing is cut off.
        u32::try_from((u64::from(word) * (u64::from(max) + 1)) >> 32).unwrap_or(max)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_xtea() {
        // Key 00010203 04050607 08090a0b 0c0d0e0f, text 4142434445464748, as in other implementations' tests.
        let key = [0x0001_0203, 0x0405_0607, 0x0809_0a0b, 0x0c0d_0e0f];
        let mut random = Random { key, nonce: 0x4546_4748, drawn: 0x4142_4344 };
        assert_eq!(random.block(), [0x497d_f3d0, 0x7261_2cb5]);
    }

    #[test]
    fn no_two_draws_are_alike() {
        let mut random = Random::new([7; 32]);
        let drawn: alloc::vec::Vec<_> = (0..100).map(|_| random.words()).collect();
        assert!(drawn.iter().enumerate().all(|(at, words)| !drawn[..at].contains(words)));
        assert_ne!(Random::new([8; 32]).words(), drawn[0]);
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
