//! The file: frames of `kind u8 | number u64 LE | site u64 LE | name`, after a first frame of
//! `0 u8 | the store's UUID`.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use headwater_consumer::Kind;
use headwater_core::frame;
use uuid::Uuid;

use super::{Error, Names};

/// The code of the first frame.
const STORE: u8 = 0;

/// Bytes of an entry before its name.
const ENTRY_BYTES: usize = 1 + 2 * size_of::<u64>();

/// How much is read at a time.
const CHUNK_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct File {
    handle: fs::File,
    path: PathBuf,
    /// Everything before it is whole and was fsynced.
    durable: u64,
}

#[derive(Default)]
pub(super) struct Loaded {
    pub(super) store: Option<Uuid>,
    pub(super) names: Names,
    entries: u64,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<(Self, Loaded), Error> {
        let created = !path.exists();
        let opened = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(io_error("open", path))?;
        if created && let Some(dir) = path.parent() {
            let dir_file = fs::File::open(dir).map_err(io_error("open the folder of", path))?;
            dir_file.sync_all().map_err(io_error("fsync the folder of", path))?;
        }
        let mut loaded = Loaded::default();
        let durable = loaded.read(&file, path)?;
        // What a dying process wrote may not have reached the disk.
        file.sync_data().map_err(io_error("fsync", path))?;
        Ok((Self { handle: file, path: path.to_owned(), durable }, loaded))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes over whatever follows the durable part (a torn tail, a failed write).
    pub(super) fn append(&mut self, frames: &[u8]) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            let mut file = &self.handle;
            file.set_len(self.durable)?;
            file.seek(SeekFrom::Start(self.durable))?;
            file.write_all(frames)?;
            file.sync_data()
        };
        write().map_err(io_error("write", &self.path))?;
        self.durable += frames.len() as u64;
        Ok(())
    }
}

impl Loaded {
    /// Reads every whole frame; returns where they end.
    fn read(&mut self, file: &fs::File, path: &Path) -> Result<u64, Error> {
        let mut end = 0;
        let mut buffer = Vec::new();
        loop {
            let more = file.take(CHUNK_BYTES).read_to_end(&mut buffer).map_err(io_error("read", path))?;
            let mut frames = frame::frames(&buffer);
            for content in frames.by_ref() {
                let file = || path.display().to_string();
                self.entry(content).map_err(|problem| Error::Damaged {
                    file: file(),
                    entry: self.entries,
                    problem,
                })?;
                self.entries += 1;
            }
            let (valid, tail) = (frames.valid_len(), frames.tail());
            end += valid as u64;
            buffer.drain(..valid);
            if more == 0 || tail == frame::Tail::Corrupt {
                return Ok(end);
            }
        }
    }

    fn entry(&mut self, content: &[u8]) -> Result<(), &'static str> {
        if self.entries == 0 {
            let [STORE, uuid @ ..] = content else { return Err("it does not name its store") };
            self.store = Some(Uuid::from_slice(uuid).map_err(|_| "the store's name is not a UUID")?);
            return Ok(());
        }
        let (head, name) = content.split_first_chunk::<ENTRY_BYTES>().ok_or("it is too short")?;
        let kind = Kind::of_code(head[0]).ok_or("its kind is unknown")?;
        let [number, site] = [1, 9].map(|at| {
            let mut bytes = [0; size_of::<u64>()];
            bytes.copy_from_slice(&head[at..at + size_of::<u64>()]);
            u64::from_le_bytes(bytes)
        });
        if number != self.names.counts().of(kind) + 1 {
            return Err("its number is not the next one");
        }
        self.names.add(kind, site, name);
        Ok(())
    }
}

pub(super) fn write_store(out: &mut Vec<u8>, store: Uuid) {
    let content = [&[STORE][..], store.as_bytes()].concat();
    frame::write(out, &content).expect("17 bytes fit a frame");
}

pub(super) fn write_name(
    out: &mut Vec<u8>,
    kind: Kind,
    number: u64,
    site: u64,
    name: &[u8],
) -> Result<(), Error> {
    let mut content = Vec::with_capacity(ENTRY_BYTES + name.len());
    content.push(kind.code());
    content.extend_from_slice(&number.to_le_bytes());
    content.extend_from_slice(&site.to_le_bytes());
    content.extend_from_slice(name);
    frame::write(out, &content).map_err(|_| Error::TooLong(name.len()))
}

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let file = path.display().to_string();
    move |source| Error::Io { operation, file, source }
}
