//! Whether something that was built is older than what it is built from.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::web;

/// What the npm package is made of: a change in any of these files or folders asks for a new build.
const WEB: [&str; 6] =
    ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml", "sdk-core", "sdk-web", "xtask/src/web.rs"];
/// Folders of results, and of what npm brought by the lock file.
const RESULTS: [&str; 3] = ["dist", "node_modules", "target"];

#[derive(Deserialize)]
struct Manifest {
    version: String,
}

/// Builds `@headwater/web` unless the packed one is newer than everything it is made of.
pub(crate) fn build_web(root: &Path) -> Result<()> {
    let manifest = std::fs::read(root.join("sdk-web/package.json")).context("sdk-web/package.json")?;
    let manifest: Manifest = serde_json::from_slice(&manifest).context("sdk-web/package.json")?;
    // Packing is the last step of a build, so an archive that is there vouches for the rest.
    let packed = root.join(format!("sdk-web/dist/headwater-web-{}.tgz", manifest.version));
    if changed(&packed).is_some_and(|built| newest(WEB.map(|name| root.join(name)).into()) < Some(built)) {
        return Ok(());
    }
    web::build(root)
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|data| data.modified()).ok()
}

/// When the youngest file of these files and folders was changed.
fn newest(mut places: Vec<PathBuf>) -> Option<SystemTime> {
    let mut newest = None;
    while let Some(place) = places.pop() {
        if !place.is_dir() {
            newest = newest.max(changed(&place));
        } else if !RESULTS.iter().any(|name| place.ends_with(name)) {
            // A folder that cannot be read has no sources for a compiler either.
            places.extend(std::fs::read_dir(&place).into_iter().flatten().flatten().map(|item| item.path()));
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn results_do_not_make_their_sources_look_new() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (source, result) = (folder.path().join("src/a.rs"), folder.path().join("dist/a.js"));
        for file in [&source, &result] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a directory");
            fs::write(file, "").expect("a file");
        }
        let old = SystemTime::UNIX_EPOCH;
        fs::File::options().write(true).open(&source).expect("a file").set_modified(old).expect("a time");
        assert_eq!(newest(vec![folder.path().to_path_buf()]), Some(old));
    }
}
