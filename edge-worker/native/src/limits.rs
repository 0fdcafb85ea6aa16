//! What requests may cost this process. Start values; each says what it protects.

use std::time::Duration;

/// Bytes that bodies and records of all requests hold together. Beyond, a request is answered 503 before it
/// takes more: 64 full bodies, or a thousand of our SDKs' batches.
pub const IN_FLIGHT_BYTES: usize = 64 << 20;

/// Bytes of a body from which on it is unpacked and read apart from the threads that serve sockets: reading
/// 64 KB takes under a millisecond.
pub const INLINE_BYTES: usize = 64 << 10;

/// The time for the stage behind to answer; after it nobody knows, so the sender is told to try again.
pub const FORWARD: Duration = Duration::from_secs(30);

/// `Retry-After` in seconds when this process has no room, or had a fault of its own.
pub const RETRY_AFTER_S: u32 = 2;
