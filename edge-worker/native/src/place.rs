//! Where an address is, by a file of MaxMind's format (GeoIP2, GeoLite2, DB-IP, … City or Country).

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use headwater_collector::Place;
use maxminddb::{MaxMindDbError, Reader, geoip2::City};
use tokio::{task, time};

/// How often the file is looked at: such files are replaced once or twice a week.
const LOOK: Duration = Duration::from_secs(30);

/// A file of places, in memory. When it is replaced, [`watch`](Self::watch) reads the new one.
#[derive(Debug)]
pub struct Places {
    path: PathBuf,
    reader: RwLock<Arc<Reader<Vec<u8>>>>,
    seen: Mutex<Option<Version>>,
}

/// By what a file is told from the one before it.
type Version = (SystemTime, u64);

impl Places {
    /// Reads the file. Fails if it cannot be read or is not of the format.
    pub fn open(path: &Path) -> Result<Arc<Self>, MaxMindDbError> {
        // Before it is read: one that is replaced meanwhile is read again.
        let seen = version(path);
        let reader = RwLock::new(Arc::new(Reader::open_readfile(path)?));
        Ok(Arc::new(Self { path: path.to_owned(), reader, seen: Mutex::new(seen) }))
    }

    /// [`open`](Self::open) and [`watch`](Self::watch), for a program that was told a path.
    pub fn load(path: &Path) -> anyhow::Result<Arc<Self>> {
        let places = Self::open(path).with_context(|| path.display().to_string())?;
        places.watch();
        Ok(places)
    }

    /// What the file says of an address; nothing if it does not have it.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Place {
        let reader = Arc::clone(&self.reader.read().unwrap_or_else(PoisonError::into_inner));
        let found = reader.lookup(ip.to_canonical()).and_then(|found| found.decode::<City<'_>>());
        let Ok(Some(city)) = found else { return Place::default() };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Place {
            country: owned(city.country.iso_code.or(city.registered_country.iso_code)),
            region: owned(city.subdivisions.first().and_then(|first| first.names.english.or(first.iso_code))),
            city: owned(city.city.names.english),
            timezone: owned(city.location.time_zone),
        }
    }

    /// Looks at the file every 30 seconds for as long as anybody else holds `self`. Needs a runtime of tokio.
    pub fn watch(self: &Arc<Self>) {
        let places = Arc::downgrade(self);
        task::spawn(async move {
            loop {
                time::sleep(LOOK).await;
                let Some(places) = places.upgrade() else { return };
                // A panic in it is logged by its own hook; the file before stays.
                let _ = task::spawn_blocking(move || places.refresh()).await;
            }
        });
    }

    /// Reads the file if it is another one. One that cannot be read leaves the one before, and is not tried again.
    fn refresh(&self) {
        let now = version(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // While it is being replaced there may be none.
        if now.is_none() || *seen == now {
            return;
        }
        *seen = now;
        match Reader::open_readfile(&self.path) {
            Ok(reader) => {
                let built = reader.metadata().build_epoch;
                *self.reader.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(reader);
                tracing::info!(path = %self.path.display(), built, "places are of a new file");
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "places are still of the file before");
            }
        }
    }
}

fn version(path: &Path) -> Option<Version> {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/GeoIP2-City-Test.mmdb")
    }

    fn place(places: &Places, ip: &str) -> [Option<String>; 4] {
        let Place { country, region, city, timezone } = places.of(ip.parse().unwrap());
        [country, region, city, timezone]
    }

    #[test]
    fn a_place_has_what_the_file_has() {
        let places = Places::open(&file()).unwrap();
        let london = [Some("GB"), Some("England"), Some("London"), Some("Europe/London")];
        assert_eq!(place(&places, "81.2.69.160"), london.map(|text| text.map(str::to_owned)));
        assert_eq!(place(&places, "::ffff:81.2.69.160"), place(&places, "81.2.69.160"));
        for nowhere in ["127.0.0.1", "::1", "10.0.0.1"] {
            assert_eq!(place(&places, nowhere), [const { None }; 4], "{nowhere}");
        }
        assert!(Places::open(Path::new("/no/such/file")).is_err());
    }

    #[test]
    fn a_new_file_takes_the_place_of_the_old_one_only_if_it_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("places.mmdb"), dir.path().join("next"));
        fs::copy(file(), &path).unwrap();
        let places = Places::open(&path).unwrap();
        let london = place(&places, "81.2.69.160");
        let first = Arc::clone(&places.reader.read().unwrap());
        let replace = |bytes: &[u8]| {
            fs::write(&next, bytes).unwrap();
            fs::rename(&next, &path).unwrap();
            places.refresh();
        };

        replace(b"not of the format");
        assert_eq!(place(&places, "81.2.69.160"), london);
        fs::remove_file(&path).unwrap();
        places.refresh();
        assert_eq!(place(&places, "81.2.69.160"), london);
        assert!(Arc::ptr_eq(&first, &places.reader.read().unwrap()));

        replace(&fs::read(file()).unwrap());
        assert!(!Arc::ptr_eq(&first, &places.reader.read().unwrap()), "the new file is read");
        assert_eq!(place(&places, "81.2.69.160"), london);
    }
}
