//! The sites of a process, and the file that they come from: read again while the process runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context as _, bail};
use headwater_collector::Sites;
use tokio::{
    task::{self, JoinHandle},
    time::{MissedTickBehavior, interval},
};

use crate::{IpSalts, host::unix_ms};

/// How often files are looked at. Their contents are compared: a mounted configuration changes by a link, and clocks of
/// file systems are coarse.
const LOOK: Duration = Duration::from_secs(2);

/// The sites as they are now. Clones are the same.
#[derive(Clone, Debug)]
pub struct LiveSites(Arc<RwLock<Arc<Sites>>>);

impl LiveSites {
    /// The sites for one request: what is replaced meanwhile does not touch it.
    #[must_use]
    pub fn now(&self) -> Arc<Sites> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub fn replace(&self, sites: Sites) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sites);
    }
}

impl From<Arc<Sites>> for LiveSites {
    fn from(sites: Arc<Sites>) -> Self {
        Self(Arc::new(RwLock::new(sites)))
    }
}

impl From<Sites> for LiveSites {
    fn from(sites: Sites) -> Self {
        Arc::new(sites).into()
    }
}

/// The configuration that a process was started with.
#[derive(Clone, Debug)]
pub struct SitesFile {
    path: Option<PathBuf>,
    open: bool,
}

impl SitesFile {
    /// A file, TOML or by its name JSON, which `flag` names; whether any other site is served too; or both. Fails if it is neither.
    pub fn new(flag: &str, path: Option<&Path>, open: bool) -> anyhow::Result<Self> {
        if path.is_none() && !open {
            bail!("which sites? Give {flag} FILE, or --open on your own machine");
        }
        Ok(Self { path: path.map(Path::to_owned), open })
    }

    /// Reads the sites. The error names file, line and field.
    pub fn read(&self) -> anyhow::Result<Sites> {
        self.parse(self.text())
    }

    fn text(&self) -> Result<Option<String>, String> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        self.path.as_ref().map(read).transpose()
    }

    fn parse(&self, text: Result<Option<String>, String>) -> anyhow::Result<Sites> {
        let (Some(path), Some(text)) = (&self.path, text.map_err(anyhow::Error::msg)?) else {
            return Ok(Sites::open());
        };
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let sites = if is_json { Sites::from_json(&text) } else { Sites::from_toml(&text) };
        let sites = sites.with_context(|| path.display().to_string())?;
        Ok(if self.open { sites.opened() } else { sites })
    }
}

/// Reads the file again when it changes and on SIGHUP, and destroys salts in time, until it is dropped.
#[must_use = "dropped, it watches nothing"]
pub struct Watcher(JoinHandle<()>);

impl Watcher {
    /// Begins to watch, on the current runtime. A file that cannot be read or meant changes nothing, and is logged once.
    pub fn start(file: SitesFile, sites: LiveSites, salts: IpSalts) -> Self {
        let mut hang_ups = HangUps::new();
        Self(tokio::spawn(async move {
            let mut watched = Watched { last: file.text(), file, sites };
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let asked = tokio::select! {
                    _ = ticks.tick() => false,
                    () = hang_ups.next() => true,
                };
                let (salts, begun) = (salts.clone(), watched);
                let work = move || {
                    salts.sweep(unix_ms());
                    let mut watched = begun;
                    (watched.look(asked), watched)
                };
                let Ok((outcome, back)) = task::spawn_blocking(work).await else { return };
                watched = back;
                match outcome {
                    None => {}
                    Some(Ok(())) => tracing::info!("the sites were read again"),
                    Some(Err(error)) => tracing::error!("the sites stay as they were: {error:#}"),
                }
            }
        }))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watched {
    file: SitesFile,
    sites: LiveSites,
    /// What was read last, whether it could be meant or not.
    last: Result<Option<String>, String>,
}

impl Watched {
    /// Takes in the file if it is another than before, or if somebody asks for it.
    fn look(&mut self, asked: bool) -> Option<anyhow::Result<()>> {
        let text = self.file.text();
        if text == self.last && !asked {
            return None;
        }
        self.last.clone_from(&text);
        Some(self.file.parse(text).map(|sites| self.sites.replace(sites)))
    }
}

#[cfg(unix)]
struct HangUps(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl HangUps {
    /// From now on the signal no longer ends the process.
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::hangup());
        if let Err(error) = &signals {
            tracing::warn!(%error, "SIGHUP is not heard");
        }
        Self(signals.ok())
    }

    async fn next(&mut self) {
        if let Some(signals) = &mut self.0
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(sites: &LiveSites) -> Vec<String> {
        let now = sites.now();
        let mut ids: Vec<_> = now.ids().map(str::to_owned).collect();
        ids.sort();
        ids
    }

    #[test]
    fn a_bad_file_keeps_the_old_sites_and_is_reported_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sites.toml");
        let write = |text: &str| fs::write(&path, text).expect("written");
        write("[[site]]\nid = \"a\"\n");
        let file = SitesFile::new("--sites", Some(&path), false).expect("a path");
        let sites = LiveSites::from(file.read().expect("good"));
        let mut watched = Watched { last: file.text(), file, sites: sites.clone() };
        assert!(watched.look(false).is_none(), "nothing changed");
        assert!(watched.look(true).expect("asked").is_ok());

        write("[[site]]\nid = \"b\"\n");
        let during = sites.now();
        watched.look(false).expect("changed").expect("good");
        assert_eq!((ids(&sites), during.ids().collect()), (vec!["b".to_owned()], vec!["a"]));

        write("[[site]]\nid = \"c\"\ncolour = 1\n");
        let error = format!("{:#}", watched.look(false).expect("changed").expect_err("bad"));
        assert!(error.contains("sites.toml: line 3: colour: unknown field `colour`"), "{error}");
        assert!(watched.look(false).is_none(), "it was said");
        assert!(watched.look(true).expect("asked").is_err());
        assert_eq!(ids(&sites), ["b"]);

        fs::remove_file(&path).expect("removed");
        assert!(watched.look(false).expect("changed").is_err());
        assert_eq!(ids(&sites), ["b"]);
        write("[[site]]\nid = \"d\"\n");
        watched.look(false).expect("changed").expect("good");
        assert_eq!(ids(&sites), ["d"]);
    }

    #[test]
    fn a_file_named_json_is_read_as_json() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sites.json");
        fs::write(&path, r#"{"site": [{"id": "a"}]}"#).expect("written");
        let file = SitesFile::new("--sites", Some(&path), false).expect("a path");
        assert_eq!(ids(&LiveSites::from(file.read().expect("good"))), ["a"]);
    }

    #[test]
    fn without_a_file_somebody_must_say_open() {
        assert!(SitesFile::new("--sites", None, false).is_err());
        assert!(SitesFile::new("--sites", None, true).expect("open").read().expect("no file").is_open());
    }
}
