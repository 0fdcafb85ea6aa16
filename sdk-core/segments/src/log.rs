use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use headwater_core::frame;

use crate::{
    Error, Problem,
    durable::Mark,
    files,
    scan::{Frames, Next},
};

/// The writer of a log.
pub struct Log {
    dir: PathBuf,
    segment_bytes: u64,
    bases: VecDeque<u64>,
    file: File,
    /// Length of the active segment in bytes.
    position: u64,
    next: u64,
    durable: u64,
    mark: Mark,
    encoded: Vec<u8>,
    poisoned: bool,
    torn_tail: Option<TornTail>,
    sync_data: SyncData,
}

/// How a log is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// A segment that has reached this many bytes is closed before the next append. 64 MiB by
    /// default: opening reads one whole segment, and retention removes whole segments.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20 }
    }
}

/// What [`Log::open`] cut off: bytes of an append that never returned, or was never fsynced.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TornTail {
    /// The file that was cut.
    pub file: PathBuf,
    /// The offset that the next append gets instead.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
}

/// An fsync under way, see [`Log::begin_sync`].
#[derive(Debug)]
pub struct PendingSync {
    file: File,
    path: PathBuf,
    end: u64,
}

/// Proof that an fsync returned, see [`Log::begin_sync`].
#[derive(Debug)]
pub struct Synced(u64);

impl PendingSync {
    /// Fsyncs what had been appended when the sync began.
    pub fn run(self) -> Result<Synced, Error> {
        self.file.sync_data().map_err(Error::io("fsync", self.path))?;
        Ok(Synced(self.end))
    }
}

/// `fdatasync`, except in tests of its failure.
pub(crate) type SyncData = Box<dyn FnMut(&File) -> io::Result<()> + Send>;

impl Log {
    /// Opens the log in `dir`, creating it if need be, cuts a torn tail, and makes durable what is
    /// there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a record of the last segment that had been fsynced is damaged or
    /// missing; nothing is changed then. Older segments are checked when they are read.
    pub fn open(dir: impl Into<PathBuf>, options: Options) -> Result<Self, Error> {
        Self::open_with(dir.into(), options, Box::new(File::sync_data))
    }

    pub(crate) fn open_with(dir: PathBuf, options: Options, sync_data: SyncData) -> Result<Self, Error> {
        files::create_dir(&dir)?;
        let (mark, durable) = Mark::open(&dir)?;
        let mut bases = VecDeque::from(files::segment_bases(&dir)?);
        if bases.is_empty() {
            bases.push_back(0);
        }
        let base = bases[bases.len() - 1];
        let path = files::segment_path(&dir, base);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let tail = Tail::find(&file, &path, base, durable)?;
        let length = file.metadata().map_err(Error::io("stat", &path))?.len();
        let torn_tail = (length > tail.position).then(|| TornTail {
            file: path.clone(),
            offset: tail.next,
            bytes: length - tail.position,
        });
        if torn_tail.is_some() {
            file.set_len(tail.position).map_err(Error::io("cut", &path))?;
        }
        file.seek(SeekFrom::Start(tail.position)).map_err(Error::io("seek", &path))?;
        let mut log = Self {
            dir,
            segment_bytes: options.segment_bytes,
            bases,
            file,
            position: tail.position,
            next: tail.next,
            durable,
            mark,
            encoded: Vec::new(),
            poisoned: false,
            torn_tail,
            sync_data,
        };
        // What was found may live in the page cache only, and its file in an unsynced directory.
        files::sync_dir(&log.dir)?;
        log.sync_file()?;
        Ok(log)
    }

    /// Writes `records` one after the other into one segment and returns the offset of the first.
    /// They survive the death of the process at once, and power loss after [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`Error::RecordSize`] changes nothing; after [`Error::Io`] the log is poisoned.
    pub fn append<R: AsRef<[u8]>>(&mut self, records: &[R]) -> Result<u64, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.encoded.clear();
        for record in records {
            let record = record.as_ref();
            frame::write(&mut self.encoded, record).map_err(|_| Error::RecordSize(record.len()))?;
        }
        if self.position >= self.segment_bytes {
            self.roll()?;
        }
        let first = self.next;
        if let Err(error) = self.file.write_all(&self.encoded) {
            self.poisoned = true;
            return Err(Error::io("write", self.active_path())(error));
        }
        self.position += self.encoded.len() as u64;
        self.next += records.len() as u64;
        Ok(first)
    }

    /// Makes everything appended durable and returns the new [`durable_end`](Self::durable_end).
    ///
    /// # Errors
    /// After a failure the log is poisoned: the system may have thrown the unsynced bytes away, and a
    /// second fsync would report success.
    pub fn sync(&mut self) -> Result<u64, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        if self.durable < self.next {
            self.sync_file()?;
        }
        Ok(self.durable)
    }

    /// The first half of [`sync`](Self::sync), for a caller that keeps this log behind a lock and lets
    /// others append while the disk works: [`PendingSync::run`] needs no lock, and its outcome goes to
    /// [`end_sync`](Self::end_sync).
    pub fn begin_sync(&self) -> Result<PendingSync, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let path = self.active_path();
        let file = self.file.try_clone().map_err(Error::io("open", &path))?;
        Ok(PendingSync { file, path, end: self.next })
    }

    /// The second half of [`begin_sync`](Self::begin_sync); a failure poisons the log. Returns the new
    /// [`durable_end`](Self::durable_end).
    pub fn end_sync(&mut self, outcome: Result<Synced, Error>) -> Result<u64, Error> {
        match outcome {
            // A roll in between has synced more than that.
            Ok(Synced(end)) if end > self.durable => self.advance_durable(end),
            Ok(_) => {}
            Err(error) => {
                self.poisoned = true;
                return Err(error);
            }
        }
        Ok(self.durable)
    }

    /// Syncs, and begins a new segment now; does nothing if the active one is empty. For a caller that
    /// decides itself when ([`Options::segment_bytes`] = `u64::MAX`).
    pub fn roll(&mut self) -> Result<(), Error> {
        self.sync()?;
        if self.next == self.active_base() {
            return Ok(());
        }
        let path = files::segment_path(&self.dir, self.next);
        let created = OpenOptions::new().create_new(true).read(true).write(true).open(&path);
        let created = created.map_err(Error::io("create", &path)).and_then(|file| {
            files::sync_dir(&self.dir)?;
            Ok(file)
        });
        match created {
            Ok(file) => self.file = file,
            Err(error) => {
                // The file may be there without its name being durable.
                self.poisoned = true;
                return Err(error);
            }
        }
        self.bases.push_back(self.next);
        self.position = 0;
        Ok(())
    }

    /// Removes every segment whose records are all below `offset`, oldest first, except the active
    /// one. Returns how many were removed.
    pub fn drop_before(&mut self, offset: u64) -> Result<usize, Error> {
        let mut dropped = 0;
        while self.can_drop_before(offset) {
            let path = files::segment_path(&self.dir, self.bases[0]);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", path)(error));
                }
                _ => {}
            }
            self.bases.pop_front();
            dropped += 1;
        }
        if dropped > 0 {
            files::sync_dir(&self.dir)?;
        }
        Ok(dropped)
    }

    /// Whether [`drop_before`](Self::drop_before) would remove anything.
    #[must_use]
    pub fn can_drop_before(&self, offset: u64) -> bool {
        self.bases.get(1).is_some_and(|next| *next <= offset)
    }

    /// The directory of this log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The offset of the oldest record still there (equal to the next offset if there is none).
    #[must_use]
    pub fn first_offset(&self) -> u64 {
        self.bases[0]
    }

    /// The offset the next record will get.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.next
    }

    /// Length of the active segment in bytes.
    #[must_use]
    pub fn active_bytes(&self) -> u64 {
        self.position
    }

    /// Whether a write or fsync failed; every call that writes is refused then.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Records below this offset survive power loss.
    #[must_use]
    pub fn durable_end(&self) -> u64 {
        self.durable
    }

    /// What was cut off when this log was opened.
    #[must_use]
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.torn_tail.as_ref()
    }

    fn sync_file(&mut self) -> Result<(), Error> {
        if let Err(error) = (self.sync_data)(&self.file) {
            self.poisoned = true;
            return Err(Error::io("fsync", self.active_path())(error));
        }
        self.advance_durable(self.next);
        Ok(())
    }

    fn advance_durable(&mut self, end: u64) {
        self.durable = end;
        // Only a lower bound: an older mark stays true, so a failure here harms nothing.
        let _ = self.mark.write(end);
    }

    fn active_base(&self) -> u64 {
        self.bases[self.bases.len() - 1]
    }

    fn active_path(&self) -> PathBuf {
        files::segment_path(&self.dir, self.active_base())
    }
}

/// Where the sound part of the last segment ends.
struct Tail {
    next: u64,
    position: u64,
}

impl Tail {
    fn find(file: &File, path: &Path, base: u64, durable: u64) -> Result<Self, Error> {
        let mut frames = Frames::new(file.try_clone().map_err(Error::io("open", path))?);
        let mut next = base;
        let problem = loop {
            match frames.next().map_err(Error::io("read", path))? {
                Next::Record(_) => next += 1,
                Next::Bad | Next::Torn => break Problem::BadFrame,
                Next::End => break Problem::EndsBeforeDurable { durable },
            }
        };
        let position = frames.position();
        if next < durable {
            return Err(Error::Corrupt { file: path.to_owned(), offset: next, position, problem });
        }
        Ok(Self { next, position })
    }
}
