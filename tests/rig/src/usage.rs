//! What a process has used. Linux only: it is read from `/proc`.

use std::process::Command;

use anyhow::{Context as _, Result};

/// CPU time, user and system, that a process has used so far, in seconds.
pub fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .context("CPU times are read from /proc, which only Linux has")?;
    // The program's name, in brackets, may hold spaces; utime and stime are fields 14 and 15 of the line.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<f64>().ok());
    let used = ticks(14).zip(ticks(15)).map(|(user, system)| user + system).context("/proc stat line")?;
    let per_second = Command::new("getconf").arg("CLK_TCK").output().context("getconf CLK_TCK")?;
    let per_second = String::from_utf8_lossy(&per_second.stdout);
    Ok(used / per_second.trim().parse::<f64>().context("CLK_TCK")?)
}

/// Memory that a process has in RAM now, in bytes.
pub fn resident_bytes(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))
        .context("memory is read from /proc, which only Linux has")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().next().unwrap_or_default().parse().context("VmRSS")?;
    Ok(kilobytes * 1024)
}
