//! Frames of append-only files.

use headwater_core::frame::{self, BadLength, HEADER_LEN, Header, MAX_LEN, Tail};

fn file(contents: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    for content in contents {
        frame::write(&mut file, content).expect("a length that is allowed");
    }
    file
}

#[test]
fn what_is_written_is_read() {
    let file = file(&[b"a", b"bc", &[0; 300]]);
    let mut frames = frame::frames(&file);
    let contents: Vec<_> = frames.by_ref().collect();
    assert_eq!(contents, [&b"a"[..], b"bc", &[0; 300]]);
    assert_eq!((frames.valid_len(), frames.tail()), (file.len(), Tail::Clean));
}

#[test]
fn the_bytes_of_a_frame_are_fixed() {
    // CRC-32 (IEEE) of "123456789", the check value of its catalogue entry.
    assert_eq!(file(&[b"123456789"]), *b"\x09\0\0\0\x26\x39\xf4\xcb123456789");
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_kept_wherever_it_tears() {
    let whole = file(&[b"first", b"second"]);
    let first = HEADER_LEN + 5;
    for cut in first + 1..whole.len() {
        let mut frames = frame::frames(&whole[..cut]);
        assert_eq!(frames.by_ref().count(), 1, "cut at {cut}");
        assert_eq!((frames.valid_len(), frames.tail()), (first, Tail::Torn), "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_ends_the_readable_part() {
    let whole = file(&[b"first", b"second"]);
    for at in HEADER_LEN + 5..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let mut frames = frame::frames(&changed);
        assert_eq!(frames.by_ref().count(), 1, "changed at {at}");
        assert_ne!(frames.tail(), Tail::Clean, "changed at {at}");
    }
}

#[test]
fn zeros_laid_out_in_advance_are_no_frames() {
    let mut laid_out = file(&[b"only"]);
    let end = laid_out.len();
    laid_out.resize(4096, 0);
    let mut frames = frame::frames(&laid_out);
    assert_eq!(frames.by_ref().collect::<Vec<_>>(), [b"only"]);
    assert_eq!((frames.valid_len(), frames.tail()), (end, Tail::Corrupt));
    assert_eq!(frame::write(&mut Vec::new(), b""), Err(BadLength));
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
    let mut header = [0xff; HEADER_LEN];
    assert_eq!(Header::parse(header), Err(BadLength));
    header[..4].copy_from_slice(&(MAX_LEN + 1).to_le_bytes());
    assert_eq!(Header::parse(header), Err(BadLength));
    header[..4].copy_from_slice(&MAX_LEN.to_le_bytes());
    assert_eq!(Header::parse(header).map(Header::content_len), Ok(MAX_LEN as usize));

    let header = Header::of(b"x").expect("one byte");
    assert_eq!(Header::parse(header.to_bytes()), Ok(header));
    assert!(header.matches(b"x") && !header.matches(b"y") && !header.matches(b"xx"));
}
