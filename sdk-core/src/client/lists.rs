//! Changing short lists in place, in as little code as the browser can be asked to load.

use alloc::vec::Vec;

/// `Vec::retain` for small things: less code, since it need not survive a panic half way.
pub(super) fn keep<T: Copy>(items: &mut Vec<T>, is_kept: &mut dyn FnMut(&T) -> bool) {
    let mut kept = 0;
    for at in 0..items.len() {
        if let Some(item) = items.get(at).copied()
            && is_kept(&item)
            && let Some(place) = items.get_mut(kept)
        {
            *place = item;
            kept += 1;
        }
    }
    items.truncate(kept);
}

/// Moves the last item to its place among the others, which ascend by `key`: behind its equals. (`Vec::insert`
/// can panic, and the browser pays for the message.)
pub(super) fn settle<T>(items: &mut [T], key: &dyn Fn(&T) -> u32) {
    let mut rest = items;
    while let [before @ .., last] = rest
        && let Some(neighbour) = before.last_mut()
        && key(neighbour) > key(last)
    {
        core::mem::swap(neighbour, last);
        rest = before;
    }
}
