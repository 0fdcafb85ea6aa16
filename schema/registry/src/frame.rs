//! The wire format: which schema a value was written with stands before it.

/// No JSON text begins with it.
const MAGIC: u8 = 0;

/// The beginning of a value that was written with the schema of this id.
#[must_use]
pub fn frame(id: u32) -> [u8; 5] {
    let [a, b, c, d] = id.to_be_bytes();
    [MAGIC, a, b, c, d]
}

/// The id of a value's schema, and its body; none if it is no value of a registry.
#[must_use]
pub fn id_of(value: &[u8]) -> Option<(u32, &[u8])> {
    let (head, body) = value.split_first_chunk::<5>()?;
    let [MAGIC, id @ ..] = *head else { return None };
    Some((u32::from_be_bytes(id), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_big_endian_behind_a_zero() {
        let value = [&frame(0x0102_0304)[..], b"body"].concat();
        assert_eq!(value, b"\0\x01\x02\x03\x04body");
        assert_eq!(id_of(&value), Some((0x0102_0304, &b"body"[..])));
        for none in [&b""[..], b"\0\0\0\0", b"{\"a\":1}"] {
            assert_eq!(id_of(none), None);
        }
    }
}
