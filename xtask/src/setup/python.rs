//! A Python 3 with pip, for the independent count of the replay.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// The name under which Python 3.9 or newer is on the PATH.
pub(crate) fn find() -> Result<&'static str> {
    for name in ["python3", "python"] {
        let answer = process::capture(
            Command::new(name).args(["-c", "import sys; print(sys.version_info >= (3, 9))"]),
        );
        if answer.is_ok_and(|answer| answer.trim() == "True") {
            return Ok(name);
        }
    }
    bail!("Python 3.9 or newer with pip is needed (Debian: apt-get install python3 python3-pip)")
}
