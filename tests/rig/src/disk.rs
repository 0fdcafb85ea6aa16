//! A disk that can be filled.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

/// A small file system in memory (tmpfs), mounted as long as this lives.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one at `folder`. `None` where that is not allowed: it needs Linux and root, or sudo without a password.
    pub fn mount(folder: &Path, megabytes: u32) -> Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let size = format!("size={megabytes}m");
        let is_mounted = as_root(&["mount", "-t", "tmpfs", "-o", &size, "headwater-rig"], folder);
        Ok(is_mounted.then(|| Self(folder.to_owned())))
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Takes every free byte.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::options().append(true).create(true).open(self.filler())?;
        for size in [1 << 20, 4096] {
            let block = vec![0; size];
            loop {
                match filler.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling a disk"),
                }
            }
        }
        Ok(())
    }

    /// Gives back what [`fill`](Self::fill) took.
    pub fn free(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("freeing a disk")
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once, gone when the last file is closed.
        as_root(&["umount", "-l"], &self.0);
    }
}

fn as_root(command: &[&str], folder: &Path) -> bool {
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    run(command[0], &command[1..]) || run("sudo", &[&["-n"], command].concat())
}
