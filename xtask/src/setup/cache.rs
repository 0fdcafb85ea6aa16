//! The user's cache directory: an entry is filled beside its place and renamed into it, so an entry that is there is
//! whole, and two set-ups at once do not disturb each other.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/headwater`, else `~/.cache/headwater` (on Windows below `%LOCALAPPDATA%`).
pub(crate) fn folder() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .context("no cache directory: set XDG_CACHE_HOME or HOME")?;
    Ok(base.join("headwater"))
}

/// The entry `name`; `fill` is called with an empty directory when the entry is not there yet.
pub(crate) fn entry(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let base = folder()?;
    let place = base.join(name);
    if place.is_dir() {
        return Ok(place);
    }
    std::fs::create_dir_all(&base).with_context(|| format!("cannot create {}", base.display()))?;
    let beside = tempfile::Builder::new().prefix(&format!("{name}.part-")).tempdir_in(&base)?;
    fill(beside.path())?;
    // The directory is renamed away below; what `beside` then removes is nothing.
    match std::fs::rename(beside.path(), &place) {
        Err(error) if !place.is_dir() => {
            Err(error).with_context(|| format!("cannot move into {}", place.display()))
        }
        // Another set-up was faster: its entry is as good as ours.
        _ => Ok(place),
    }
}

/// Makes `link` lead to `target`, replacing a link that leads elsewhere. Copies where links are not allowed.
pub(crate) fn link(target: &Path, link: &Path) -> Result<()> {
    if std::fs::read_link(link).is_ok_and(|old| old == target) {
        return Ok(());
    }
    if link.is_symlink() || link.is_file() {
        std::fs::remove_file(link)?;
    } else if link.is_dir() {
        std::fs::remove_dir_all(link)?;
    }
    if let Some(folder) = link.parent() {
        std::fs::create_dir_all(folder)?;
    }
    make_link(target, link).with_context(|| format!("cannot link {} to {}", link.display(), target.display()))
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(target, link)?)
}

#[cfg(not(unix))]
fn make_link(target: &Path, link: &Path) -> Result<()> {
    if !target.is_dir() {
        std::fs::copy(target, link)?;
        return Ok(());
    }
    std::fs::create_dir_all(link)?;
    for item in std::fs::read_dir(target)? {
        let item = item?;
        make_link(&item.path(), &link.join(item.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_is_replaced() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (one, two, place) =
            (folder.path().join("one"), folder.path().join("two"), folder.path().join("deep/link"));
        for target in [&one, &two, &two] {
            link(target, &place).expect("a link");
            assert_eq!(std::fs::read_link(&place).ok().as_ref(), Some(target));
        }
    }
}
