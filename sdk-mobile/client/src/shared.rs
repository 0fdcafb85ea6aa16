//! What the processes of one journal share: small files, the last writer wins. Nothing of the promise rests
//! on them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use headwater_core::{
    session::{Session, SessionId},
    time::UnixMs,
};
use uuid::Uuid;

const CLIENT_ID: &str = "client_id";
const GATE: &str = "gate";
const SESSION: &str = "session";

pub(crate) struct SharedFiles {
    pub(crate) root: PathBuf,
}

impl SharedFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The client id of this journal, drawn at its first use.
    pub(crate) fn client_id(&self) -> io::Result<String> {
        fs::create_dir_all(&self.root)?;
        let known = self.read(CLIENT_ID).and_then(|text| Uuid::try_parse(&text).ok());
        let id = known.unwrap_or_else(Uuid::new_v4).to_string();
        if known.is_none() {
            self.write(CLIENT_ID, &id)?;
        }
        Ok(id)
    }

    pub(crate) fn gate(&self) -> Option<UnixMs> {
        self.read(GATE)?.parse().ok().map(UnixMs)
    }

    pub(crate) fn session(&self) -> Option<Session> {
        let text = self.read(SESSION)?;
        let mut words = text.split(' ');
        let id = SessionId::parse(words.next()?)?;
        let mut time = || words.next()?.parse().ok().map(UnixMs);
        Some(Session { id, started: time()?, last_active: time()? })
    }

    pub(crate) fn save_gate(&self, until: UnixMs) {
        self.save(GATE, &until.0.to_string());
    }

    pub(crate) fn save_session(&self, session: Session) {
        let id =
            Uuid::from_u128(session.id.words().into_iter().fold(0, |id, word| id << 32 | u128::from(word)));
        self.save(SESSION, &format!("{id} {} {}", session.started.0, session.last_active.0));
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join(name)).ok()
    }

    fn save(&self, name: &str, text: &str) {
        if let Err(error) = self.write(name, text) {
            tracing::debug!(%error, name, "not shared");
        }
    }

    /// Whole or not at all, as others see it.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let draft = self.root.join(format!("{name}.{}", Uuid::new_v4()));
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, self.root.join(name)));
        if written.is_err() {
            // What failed first is what is told.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_saves_the_next_reads() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles::new(&dir.path().join("new"));
        let id = files.client_id().unwrap();
        assert_eq!(files.client_id().unwrap(), id);
        assert_eq!((files.gate(), files.session()), (None, None));
        let session = Session {
            id: SessionId::from_random([1, 2, 3, 4]),
            started: UnixMs(5),
            last_active: UnixMs(1_710_320_000_123),
        };
        files.save_gate(UnixMs(9));
        files.save_session(session);
        assert_eq!((files.gate(), files.session()), (Some(UnixMs(9)), Some(session)));
    }

    #[test]
    fn nonsense_in_a_file_is_as_if_there_were_none() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles::new(dir.path());
        for name in [CLIENT_ID, GATE, SESSION] {
            fs::write(dir.path().join(name), "\u{0}\u{0}").unwrap();
        }
        assert_eq!((files.gate(), files.session()), (None, None));
        assert!(Uuid::try_parse(&files.client_id().unwrap()).is_ok());
    }
}
