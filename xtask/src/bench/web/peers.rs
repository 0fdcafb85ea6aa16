//! Other SDKs: which are known, installing one, bundling it with its adapter.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// One adapter per SDK, named as its package, with `+` for `/`.
const ADAPTERS: &str = "tests/e2e/bench/peers";

/// A package that was asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// As npm takes it; the latest where none was asked for.
    version: String,
}

/// A package that is ready for a page.
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) script: PathBuf,
}

/// The packages that have an adapter.
pub(super) fn known(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(ADAPTERS);
    let files = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|file| {
            file.file_name().to_str()?.strip_suffix(".mjs").map(|name| name.replacen('+', "/", 1))
        })
        .collect();
    names.sort();
    Ok(names)
}

/// `name` or `name@version`.
pub(super) fn parse(asked: &str, known: &[String]) -> Result<Wanted> {
    // The first character of a scope is the same sign.
    let at = asked.char_indices().skip(1).find(|(_, sign)| *sign == '@').map(|(place, _)| place);
    let (name, version) = at.map_or((asked, "latest"), |place| (&asked[..place], &asked[place + 1..]));
    if version.is_empty() || !known.iter().any(|one| one == name) {
        bail!("--with {asked}: no package that this command knows; it knows {}", known.join(", "));
    }
    Ok(Wanted { name: name.to_owned(), version: version.to_owned() })
}

#[derive(Deserialize)]
struct Manifest {
    version: String,
}

impl Wanted {
    /// Installs it into a folder of its own and makes one script of it and its adapter.
    pub(super) fn bundle(&self, root: &Path, folder: &Path) -> Result<Peer> {
        let file = self.name.replacen('/', "+", 1);
        let place = folder.join(&file);
        std::fs::create_dir_all(&place)?;
        std::fs::write(place.join("package.json"), "{\"private\":true}")?;
        let asked = format!("{}@{}", self.name, self.version);
        process::capture(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", &asked])
                .current_dir(&place),
        )
        .with_context(|| {
            format!("npm could not install {asked}; another version: --with {}@x.y.z", self.name)
        })?;
        let modules = place.join("node_modules");
        let manifest = std::fs::read(modules.join(&self.name).join("package.json"))
            .with_context(|| format!("npm installed no {}", self.name))?;
        let Manifest { version } = serde_json::from_slice(&manifest)?;
        println!("  {}@{version}", self.name);
        let script = folder.join(format!("{file}.js"));
        process::capture(
            Command::new(root.join("sdk-web/node_modules/.bin/esbuild"))
                .arg(root.join(ADAPTERS).join(format!("{file}.mjs")))
                .args(["--bundle", "--minify", "--format=iife", "--target=es2020", "--log-level=error"])
                .args(["--legal-comments=none", "--define:process.env.NODE_ENV=\"production\""])
                .arg(format!("--outfile={}", script.display()))
                .env("NODE_PATH", &modules),
        )?;
        Ok(Peer { name: self.name.clone(), version, script })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["@a/b".to_owned(), "c".to_owned()]
    }

    #[test]
    fn a_package_is_asked_for_with_or_without_a_version() {
        for (asked, name, version) in
            [("c", "c", "latest"), ("c@1.2", "c", "1.2"), ("@a/b", "@a/b", "latest"), ("@a/b@3", "@a/b", "3")]
        {
            let wanted = Wanted { name: name.to_owned(), version: version.to_owned() };
            assert_eq!(parse(asked, &names()).expect("known"), wanted);
        }
    }

    #[test]
    fn an_unknown_package_is_refused_with_the_known_ones() {
        for asked in ["d", "@a/b@", "@a", "", "@"] {
            let error = parse(asked, &names()).expect_err(asked).to_string();
            assert!(error.contains("@a/b, c"), "{error}");
        }
    }

    #[test]
    fn every_adapter_is_a_known_package() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let known = known(&root).expect("adapters");
        assert!(known.iter().any(|name| name == "@segment/analytics-next"), "{known:?}");
    }
}
