//! The one client of the page, and the functions that JavaScript calls.
#![expect(unsafe_code, reason = "`no_mangle` is an unsafe attribute; the names are the module's own")]

use core::panic::PanicInfo;

use headwater_core::{
    client::{Client, Config, Limits, Request, StreamNo},
    time::{Instant, UnixMs},
};
use lol_alloc::{FreeListAllocator, LockedAllocator};
use spin::{Mutex, MutexGuard};

use crate::abi::{self, Words};

#[global_allocator]
static ALLOCATOR: LockedAllocator<FreeListAllocator> = LockedAllocator::new(FreeListAllocator::new());

/// A trap: the shell goes on without the core. Messages would cost bytes that nobody reads.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Half {
    client: Client,
    /// The last effect.
    words: Words,
    /// The last request, which the shell is reading, and where it lies.
    request: Option<Request>,
    place: [usize; 4],
}

static HALF: Mutex<Option<Half>> = Mutex::new(None);

/// There is one thread and no call back into the page, so the lock is free, unless a call trapped: then every
/// later one does too, rather than wait for ever.
fn half() -> MutexGuard<'static, Option<Half>> {
    HALF.try_lock().unwrap_or_else(|| core::arch::wasm32::unreachable())
}

/// Draws the client from 256 random bits.
#[expect(clippy::many_single_char_names, reason = "positions, not meanings")]
#[unsafe(no_mangle)]
extern "C" fn start(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) {
    let mut entropy = [0; 32];
    for (bytes, word) in entropy.as_chunks_mut().0.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *bytes = u32::to_le_bytes(word);
    }
    let client = Client::new(Config { entropy, limits: Limits::default() });
    *half() = Some(Half { client, words: [0; 9], request: None, place: [0; 4] });
}

/// Tells the core something; `now` in ms of `performance.now()`, `unix` in Unix ms.
#[expect(clippy::many_single_char_names, reason = "positions: the kind gives meaning")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
#[unsafe(no_mangle)]
extern "C" fn input(
    now: f64,
    unix: f64,
    kind: u32,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
    e: u32,
    f: u32,
    g: u32,
    h: u32,
) {
    if let (Some(half), Some(input)) = (half().as_mut(), abi::input(kind, [a, b, c, d, e, f, g, h])) {
        half.client.handle(Instant(now as u64), UnixMs(unix as u64), input);
    }
}

/// Takes the next effect and returns where it lies: nine `u32`.
#[unsafe(no_mangle)]
extern "C" fn poll() -> *const u32 {
    half().as_mut().map_or(core::ptr::null(), |half| {
        let effect = half.client.poll();
        half.words = abi::effect(effect, half.client.poll_timeout());
        half.words.as_ptr()
    })
}

/// Returns where the request lies: four `u32`, address and length of the template in bytes, address and count of
/// the seqs. It stays there until the next call.
#[unsafe(no_mangle)]
extern "C" fn request(request: u32) -> *const usize {
    half().as_mut().map_or(core::ptr::null(), |half| {
        half.request = half.client.request(request);
        let (template, seqs) = half.request.as_ref().map_or((&[][..], &[][..]), |r| (&r.template, &r.seqs));
        half.place = [template.as_ptr().addr(), template.len(), seqs.as_ptr().addr(), seqs.len()];
        half.place.as_ptr()
    })
}

/// The `done` for the stream's journal entries.
#[unsafe(no_mangle)]
extern "C" fn done(stream: u32) -> u32 {
    half().as_ref().map_or(0, |half| half.client.done(StreamNo(stream)))
}
