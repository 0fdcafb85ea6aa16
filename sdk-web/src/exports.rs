//! The one client of the page, and the functions that JavaScript calls.
#![expect(unsafe_code, reason = "`no_mangle` is an unsafe attribute; the names are the module's own")]

extern crate alloc;

use alloc::vec::Vec;
use core::{panic::PanicInfo, ptr::from_ref};

use headwater_core::{
    client::{Client, Config, Limits, StreamNo},
    time::{Instant, UnixMs},
};
use lol_alloc::{FreeListAllocator, LockedAllocator};
use spin::{Mutex, MutexGuard};

use crate::abi;

#[global_allocator]
static ALLOCATOR: LockedAllocator<FreeListAllocator> = LockedAllocator::new(FreeListAllocator::new());

/// A trap: the shell goes on without the core. Messages would cost bytes that nobody reads.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Made when the module is linked: what was made by code would be code, and so would be what takes it apart again. So a
/// module serves one client; the page makes another instance for the next.
struct Half {
    client: Client,
    idle: Idle,
    /// The last request, which the shell is reading, and where it lies.
    template: Vec<u8>,
    seqs: Vec<u32>,
    place: [usize; 4],
}

/// No effect, as if it were one: until when.
#[repr(C)]
struct Idle {
    kind: u32,
    at: u64,
}

/// No kind of effect has this number.
const IDLE: u32 = 0;

static HALF: Mutex<Half> = Mutex::new(Half {
    client: Client::new(Config { entropy: [0; 32], limits: Limits::DEFAULT }),
    idle: Idle { kind: IDLE, at: 0 },
    template: Vec::new(),
    seqs: Vec::new(),
    place: [0; 4],
});

/// There is one thread and no call back into the page, so the lock is free, unless a call trapped: then every
/// later one does too, rather than wait for ever.
fn half() -> MutexGuard<'static, Half> {
    HALF.try_lock().unwrap_or_else(|| core::arch::wasm32::unreachable())
}

/// Draws the client from 256 random bits, before it is told anything.
#[expect(clippy::many_single_char_names, reason = "positions, not meanings")]
#[unsafe(no_mangle)]
extern "C" fn start(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) {
    half().client.draw([a, b, c, d, e, f, g, h]);
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
    half().client.handle_with(Instant(now as u64), UnixMs(unix as u64), |intake| {
        // A page of another version may say what this one does not know: then nothing happened but the time.
        let _ = abi::input(kind, [a, b, c, d, e, f, g, h], intake);
    });
}

/// Takes the next effect and returns where it lies, as [`Effect`](headwater_core::client::Effect) lays it out in `u32`;
/// without one, until when: an instant, `u64::MAX` if only the next input changes anything.
#[unsafe(no_mangle)]
extern "C" fn poll() -> *const u32 {
    let half = &mut *half();
    half.idle.at = half.client.poll_timeout().map_or(u64::MAX, |at| at.0);
    match half.client.poll_in_place() {
        Some(effect) => from_ref(effect).cast(),
        None => from_ref(&half.idle).cast(),
    }
}

/// Returns where the request lies: four `u32`, address and length of the template in bytes, address and count of
/// the seqs. It stays there until the next call.
#[unsafe(no_mangle)]
extern "C" fn request(request: u32) -> *const usize {
    let half = &mut *half();
    let Half { client, template, seqs, .. } = half;
    let _ = client.write_request(request, template, seqs);
    half.place = [template.as_ptr().addr(), template.len(), seqs.as_ptr().addr(), seqs.len()];
    half.place.as_ptr()
}

/// The `done` for the stream's journal entries.
#[unsafe(no_mangle)]
extern "C" fn done(stream: u32) -> u32 {
    half().client.done(StreamNo(stream))
}
