//! What this process takes of the machine.

use std::fs;

/// Sets the peak of the resident memory to what it is now, and returns that.
pub(crate) fn reset_peak_kb() -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("this process's own");
    status_kb("VmHWM:")
}

/// A field of /proc/self/status, in kB.
pub(crate) fn status_kb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a known field");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
