//! Real browsers: those that are there, else Debian's.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt;
use crate::process;

/// Where macOS keeps Chromium.
const APPS: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// One kind of browser.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Browser {
    /// Chromium or Chrome.
    Chromium,
    /// Firefox.
    Firefox,
    /// `WebKit`: GTK's `MiniBrowser`, in a window of Xvfb because it has no headless mode.
    WebKit,
}

/// A browser and its program.
pub(crate) type Found = (Browser, PathBuf);

impl Browser {
    /// All that the tests know.
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// As `HEADWATER_BROWSER` says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Names the program, for us and for the tests.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Chromium => "HEADWATER_CHROMIUM",
            Self::Firefox => "HEADWATER_FIREFOX",
            Self::WebKit => "HEADWATER_WEBKIT",
        }
    }

    /// Looked for in this order on the PATH.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            Self::Firefox => &["firefox-esr", "firefox"],
            Self::WebKit => &[],
        }
    }

    /// Debian's, with what it needs beside it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium"],
            Self::Firefox => &["firefox-esr"],
            // It depends on the library that brings MiniBrowser, whatever that is called in this release.
            Self::WebKit => &["webkit2gtk-driver", "xvfb"],
        }
    }

    /// For whoever might think that it was tested.
    pub(crate) fn not_here(self) -> String {
        format!("NOT HERE: {self:?}, and no apt to install it: {}", self.by_hand())
    }

    /// What to do where apt cannot.
    fn by_hand(self) -> String {
        let what = match self {
            Self::Chromium => "install Chromium or Chrome",
            Self::Firefox => "install Firefox",
            Self::WebKit => "install Xvfb and WebKitGTK with its MiniBrowser",
        };
        let where_ =
            if self.is_driven_here() { "" } else { " on Linux (its processes are found through /proc)" };
        format!("{what}{where_} by hand and name it in {}", self.variable())
    }

    fn is_driven_here(self) -> bool {
        self == Self::Chromium || cfg!(target_os = "linux")
    }

    fn find(self) -> Option<PathBuf> {
        if !self.is_driven_here() {
            return None;
        }
        if let Some(chosen) = std::env::var_os(self.variable()) {
            return Some(PathBuf::from(chosen));
        }
        if self == Self::WebKit {
            return mini_browser().filter(|_| process::on_path("Xvfb"));
        }
        let on_path = self.programs().iter().find_map(process::find);
        on_path
            .or_else(|| APPS.iter().map(PathBuf::from).find(|file| file.is_file() && self == Self::Chromium))
    }
}

/// What could be had of `wanted`, after one run of apt for what is missing, and what could not. Without apt only what
/// somebody put there can be had; where there is apt, nothing may be missing.
pub(crate) fn find_or_install(wanted: &[Browser]) -> Result<(Vec<Found>, Vec<Browser>)> {
    let find = || wanted.iter().copied().partition::<Vec<Browser>, _>(|browser| browser.find().is_some());
    let (mut found, mut missing) = find();
    if !missing.is_empty() && apt::is_here() {
        let advice: Vec<_> = missing.iter().map(|browser: &Browser| browser.by_hand()).collect();
        let packages: Vec<_> = missing.iter().flat_map(|browser| browser.packages()).copied().collect();
        apt::install(&packages, &advice.join("; "))?;
        (found, missing) = find();
        if let Some(browser) = missing.first() {
            bail!("apt installed {browser:?}, yet it is not found: {}", browser.by_hand());
        }
    }
    Ok((found.into_iter().filter_map(|browser| Some((browser, browser.find()?))).collect(), missing))
}

/// The program of one browser, without which there is nothing to do.
pub(crate) fn needed(browser: Browser) -> Result<PathBuf> {
    let (found, _) = find_or_install(&[browser])?;
    let (_, program) = found.into_iter().next().with_context(|| browser.not_here())?;
    Ok(program)
}

/// Distributions keep it beside the library, off the PATH: `/usr/lib/<machine>/webkit2gtk-4.1/MiniBrowser`,
/// `/usr/libexec/webkit2gtk-4.1/MiniBrowser`.
fn mini_browser() -> Option<PathBuf> {
    let below = |folder: &Path| {
        let mut found: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|item| item.path()).collect();
        found.sort();
        found
    };
    let mut folders = below(Path::new("/usr/lib"));
    folders.push(PathBuf::from("/usr/libexec"));
    let versions = folders.iter().flat_map(|folder| below(folder)).filter(|folder| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("webkit2gtk-"))
    });
    versions.map(|folder| folder.join("MiniBrowser")).rfind(|file| file.is_file())
}
