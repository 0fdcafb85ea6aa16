//! Random numbers from the entropy the shell gave: session ids and jitter.

/// ChaCha8 in counter mode. A plain generator would do for jitter; but whoever knows one session id must not be
/// able to compute the next, because [`reset`](super::Input::Reset) promises that nothing links the two.
#[derive(Clone, Debug)]
pub(super) struct Random {
    key: [[u32; 4]; 2],
    drawn: u32,
}

impl Random {
    pub(super) fn new(entropy: [u8; 32]) -> Self {
        let mut words =
            entropy.chunks_exact(4).map(|b| b.iter().rev().fold(0, |word, &b| word << 8 | u32::from(b)));
        let mut row = || core::array::from_fn(|_| words.next().unwrap_or_default());
        Self { key: [row(), row()], drawn: 0 }
    }

    /// 128 random bits.
    pub(super) fn words(&mut self) -> [u32; 4] {
        // "expand 32-byte k"
        const START: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
        let (mut a, [mut b, mut c], mut d) = (START, self.key, [self.drawn, 0, 0, 0]);
        self.drawn = self.drawn.wrapping_add(1);
        for _ in 0..4 {
            round(&mut a, &mut b, &mut c, &mut d);
            turn(&mut b, &mut c, &mut d);
            round(&mut a, &mut b, &mut c, &mut d);
            turn(&mut d, &mut c, &mut b);
        }
        let mut start = START.into_iter();
        a.map(|word| word.wrapping_add(start.next().unwrap_or_default()))
    }

    /// A number from 0 to `max`, evenly.
    pub(super) fn up_to(&mut self, max: u32) -> u32 {
        let [word, ..] = self.words();
        // The high half of the product; it is at most `max`, so nothing is cut off.
        u32::try_from((u64::from(word) * (u64::from(max) + 1)) >> 32).unwrap_or(max)
    }
}

/// One quarter round on each column of the rows.
fn round(a: &mut [u32; 4], b: &mut [u32; 4], c: &mut [u32; 4], d: &mut [u32; 4]) {
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        for [first, second] in [[16, 12], [8, 7]] {
            *a = a.wrapping_add(*b);
            *d = (*d ^ *a).rotate_left(first);
            *c = c.wrapping_add(*d);
            *b = (*b ^ *c).rotate_left(second);
        }
    }
}

/// Turns the rows by 1, 2 and 3, so that columns become diagonals; with the rows reversed, back.
fn turn(by_one: &mut [u32; 4], by_two: &mut [u32; 4], by_three: &mut [u32; 4]) {
    by_one.rotate_left(1);
    by_two.rotate_left(2);
    by_three.rotate_left(3);
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
