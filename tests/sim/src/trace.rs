//! A run as a sequence diagram: one line per message, at most 140 columns wide.

use std::{cmp::Ordering, fmt::Write as _};

/// Who sends and receives.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Lane {
    Page,
    Disk,
    Network,
    Edge,
    Bridge,
    Log,
    Store,
}

const NAMES: [&str; LANES] = ["page", "disk", "network", "edge", "bridge", "log", "store"];
const LANES: usize = 7;
/// Columns from one lane to the next.
const PITCH: usize = 9;
/// Columns before the first lane.
const TIME: usize = 16;
/// Columns of a line.
const WIDTH: usize = 140;

/// The diagram, if somebody wants to see it.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    text: Option<String>,
}

impl Trace {
    pub(crate) fn new(is_kept: bool) -> Self {
        let mut trace = Self { text: is_kept.then(String::new) };
        if let Some(text) = &mut trace.text {
            let mut line = " ".repeat(TIME);
            for name in NAMES {
                _ = write!(line, "{name:<PITCH$}");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        trace
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.text.is_some()
    }

    pub(crate) fn into_text(self) -> Option<String> {
        self.text
    }

    /// A message; `what` is asked for only if it is shown.
    pub(crate) fn message(&mut self, at_ms: u64, from: Lane, to: Lane, what: impl FnOnce() -> String) {
        let Some(text) = &mut self.text else { return };
        let (left, right) = (from.min(to) as usize, from.max(to) as usize);
        let mut cells = [' '; LANES * PITCH];
        for lane in 0..LANES {
            cells[lane * PITCH] = '│';
        }
        for cell in &mut cells[left * PITCH + 1..(right * PITCH).max(left * PITCH + 1)] {
            *cell = if *cell == '│' { '┼' } else { '─' };
        }
        match from.cmp(&to) {
            Ordering::Less => (cells[left * PITCH], cells[right * PITCH - 1]) = ('├', '▶'),
            Ordering::Equal => cells[left * PITCH] = '●',
            Ordering::Greater => (cells[right * PITCH], cells[left * PITCH + 1]) = ('┤', '◀'),
        }
        line(text, &time(at_ms), &cells, &what());
    }

    /// A heading: a step, or a verdict.
    pub(crate) fn heading(&mut self, what: impl FnOnce() -> String) {
        let Some(text) = &mut self.text else { return };
        let what = what();
        _ = writeln!(text, "── {what} {}", "─".repeat(WIDTH.saturating_sub(what.chars().count() + 4)));
    }
}

fn line(text: &mut String, time: &str, cells: &[char], what: &str) {
    let room = WIDTH - TIME - cells.len();
    let mut rest: Vec<char> = what.chars().collect();
    let mut first = true;
    while first || !rest.is_empty() {
        let cut = rest.len().min(room);
        let now: String = rest.drain(..cut).collect();
        if first {
            _ = write!(text, "{time:<TIME$}");
            text.extend(cells);
        } else {
            _ = write!(text, "{:TIME$}", "");
            let plain = |at: usize| if at.is_multiple_of(PITCH) { '│' } else { ' ' };
            text.extend((0..cells.len()).map(plain));
        }
        text.push_str(now.trim_end());
        text.push('\n');
        first = false;
    }
}

/// `3d 04:05:06.789` since the start.
fn time(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let clock = |unit: u64, size: u64| of_day / unit % size;
    let (hours, minutes, seconds) = (clock(3_600_000, 24), clock(60_000, 60), clock(1_000, 60));
    let text = format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1_000);
    if days == 0 { text } else { format!("{days}d {text}") }
}
