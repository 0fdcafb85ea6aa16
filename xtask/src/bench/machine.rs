//! Where the numbers come from.

use std::fmt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// What a reader needs to judge the numbers.
pub(super) struct Machine {
    cpu: String,
    cores: usize,
    memory_gb: u64,
    kernel: String,
    load: String,
}

impl Machine {
    pub(super) fn here() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split(':').nth(1)?.trim().to_owned())
        };
        let memory = after(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kilobytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self {
            cpu: after(&read("/proc/cpuinfo"), "model name")
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gb: kilobytes / 1024 / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} cores, {} GB, {} {}, load average at the end {}",
            self.cpu,
            self.cores,
            self.memory_gb,
            std::env::consts::OS,
            self.kernel,
            self.load
        )
    }
}

/// CPU time, user and system, that a process has used so far, in seconds. Linux only.
pub(super) fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .context("CPU times are read from /proc, which only Linux has")?;
    // The program's name, in brackets, may hold spaces; utime and stime are fields 14 and 15 of the line.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<f64>().ok());
    let used = ticks(14).zip(ticks(15)).map(|(user, system)| user + system).context("/proc stat line")?;
    let per_second = process::capture(Command::new("getconf").arg("CLK_TCK"))?;
    Ok(used / per_second.trim().parse::<f64>().context("CLK_TCK")?)
}
