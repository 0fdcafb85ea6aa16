//! What the processes of one journal share: small files, the last writer wins. Nothing of the promise rests
//! on them.
//!
//! The file `changes` grows by a byte with each change of another, so that a process learns of all of them by
//! asking for one length.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use headwater_core::{
    client::{Decision, Settings},
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};
use uuid::Uuid;

use crate::{identity::Identity, registered::Registered, settings};

const CHANGES: &str = "changes";
const CONSENT: &str = "consent";
const GATE: &str = "gate";
const IDENTITY: &str = "identity";
const REFUSAL: &str = "refusal";
const REGISTERED: &str = "registered";
const SESSION: &str = "session";
const SETTINGS: &str = "settings";

/// The words of the file `consent`.
const DECISIONS: [(Decision, &str); 3] =
    [(Decision::Denied, "denied"), (Decision::Granted, "granted"), (Decision::Unknown, "unknown")];

pub(crate) struct SharedFiles {
    root: PathBuf,
    changes: File,
}

impl SharedFiles {
    /// Creates the directory if need be.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let changes = OpenOptions::new().append(true).create(true).open(root.join(CHANGES))?;
        Ok(Self { root: root.to_owned(), changes })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Another number than before after any process changed something. It costs one question to the system, so
    /// that every call can afford it.
    pub(crate) fn changes(&self) -> u64 {
        // Its length, at a third of what the metadata cost. Where writes go is no matter: they append.
        (&self.changes).seek(SeekFrom::End(0)).unwrap_or_default()
    }

    /// What the user decided, here or in another process.
    pub(crate) fn consent(&self) -> Option<Decision> {
        let text = self.read(CONSENT)?;
        DECISIONS.into_iter().find(|(_, word)| *word == text).map(|(decision, _)| decision)
    }

    pub(crate) fn gate(&self) -> Option<UnixMs> {
        self.read(GATE)?.parse().ok().map(UnixMs)
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        let identity: Identity = serde_json::from_str(&self.read(IDENTITY)?).ok()?;
        (!identity.client_id.is_empty()).then_some(identity)
    }

    /// A verdict, and until when every call is refused by it.
    pub(crate) fn refusal(&self) -> Option<(Refusal, UnixMs)> {
        let text = self.read(REFUSAL)?;
        let (word, until) = text.split_once(' ')?;
        let verdict = Refusal::ALL.into_iter().find(|verdict| verdict.as_str() == word)?;
        Some((verdict, UnixMs(until.parse().ok()?)))
    }

    pub(crate) fn registered(&self) -> Option<Registered> {
        Registered::parse(&self.read(REGISTERED)?)
    }

    pub(crate) fn session(&self) -> Option<Session> {
        let text = self.read(SESSION)?;
        let mut words = text.split(' ');
        let id = SessionId::parse(words.next()?)?;
        let mut time = || words.next()?.parse().ok().map(UnixMs);
        Some(Session { id, started: time()?, last_active: time()? })
    }

    pub(crate) fn settings(&self) -> Option<Settings> {
        settings::parse(&self.read(SETTINGS)?)
    }

    /// Kept even over power loss, which must not take back a denial.
    pub(crate) fn save_consent(&self, decision: Decision) -> io::Result<()> {
        let known = DECISIONS.into_iter().find(|(known, _)| *known == decision);
        self.write(CONSENT, known.map_or("", |(_, word)| word), Durable::Yes)
    }

    pub(crate) fn save_gate(&self, until: UnixMs) {
        self.save(GATE, &until.0.to_string());
    }

    pub(crate) fn save_identity(&self, identity: &Identity) {
        self.save(IDENTITY, &serde_json::to_string(identity).expect("text and numbers"));
    }

    pub(crate) fn save_refusal(&self, refusal: Option<(Refusal, UnixMs)>) {
        match refusal {
            Some((verdict, until)) => self.save(REFUSAL, &format!("{} {}", verdict.as_str(), until.0)),
            None => self.remove(REFUSAL),
        }
    }

    pub(crate) fn save_registered(&self, registered: &Registered) {
        if registered.is_empty() {
            self.remove(REGISTERED);
        } else {
            self.save(REGISTERED, &registered.to_text());
        }
    }

    pub(crate) fn save_session(&self, session: Session) {
        let id =
            Uuid::from_u128(session.id.words().into_iter().fold(0, |id, word| id << 32 | u128::from(word)));
        self.save(SESSION, &format!("{id} {} {}", session.started.0, session.last_active.0));
    }

    pub(crate) fn save_settings(&self, settings: Settings) {
        self.save(SETTINGS, &settings::to_text(settings));
    }

    /// The visit is over for every process.
    pub(crate) fn end_session(&self) {
        self.remove(SESSION);
    }

    /// Nothing about a person stays.
    pub(crate) fn forget_person(&self) {
        for name in [IDENTITY, REGISTERED, SESSION] {
            self.remove(name);
        }
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join(name)).ok()
    }

    fn save(&self, name: &str, text: &str) {
        if let Err(error) = self.write(name, text, Durable::No) {
            tracing::debug!(%error, name, "not shared");
        }
    }

    /// Whole or not at all, as others see it.
    fn write(&self, name: &str, text: &str, durable: Durable) -> io::Result<()> {
        let draft = self.root.join(format!("{name}.{}", Uuid::new_v4()));
        let written = write_draft(&draft, text, durable).and_then(|()| {
            fs::rename(&draft, self.root.join(name))?;
            // Windows cannot open a directory as a file; NTFS journals names itself.
            if durable == Durable::Yes && cfg!(unix) { File::open(&self.root)?.sync_all() } else { Ok(()) }
        });
        if written.is_err() {
            // What failed first is what is told.
            let _ = fs::remove_file(&draft);
        }
        self.note_change();
        written
    }

    fn remove(&self, name: &str) {
        match fs::remove_file(self.root.join(name)) {
            Ok(()) => self.note_change(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, name, "not removed"),
        }
    }

    fn note_change(&self) {
        if let Err(error) = (&self.changes).write_all(b".") {
            // They look again each minute.
            tracing::debug!(%error, "the other processes are not told at once");
        }
    }
}

fn write_draft(draft: &Path, text: &str, durable: Durable) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(text.as_bytes())?;
    if durable == Durable::Yes { file.sync_all() } else { Ok(()) }
}

/// Whether it survives power loss once the call returns.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Durable {
    No,
    Yes,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_one_process_saves_the_next_reads() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles::open(&dir.path().join("new")).unwrap();
        assert_eq!((files.gate(), files.session(), files.identity()), (None, None, None));
        assert_eq!((files.consent(), files.refusal(), files.settings()), (None, None, None));
        let session = Session {
            id: SessionId::from_random([1, 2, 3, 4]),
            started: UnixMs(5),
            last_active: UnixMs(1_710_320_000_123),
        };
        let (identity, settings) = (Identity::draw(), Settings { sample: 7, ..Settings::default() });
        files.save_gate(UnixMs(9));
        files.save_session(session);
        files.save_identity(&identity);
        files.save_settings(settings);
        files.save_registered(&Registered::of(&json!({"a": 1})).unwrap());
        let next = SharedFiles::open(files.root()).unwrap();
        assert_eq!((next.gate(), next.session()), (Some(UnixMs(9)), Some(session)));
        assert_eq!((next.identity(), next.settings()), (Some(identity), Some(settings)));
        assert_eq!(next.registered().unwrap().to_text(), r#"{"a":1}"#);
        for (decision, _) in DECISIONS {
            files.save_consent(decision).unwrap();
            assert_eq!(next.consent(), Some(decision));
        }
        for verdict in Refusal::ALL {
            files.save_refusal(Some((verdict, UnixMs(u64::MAX))));
            assert_eq!(next.refusal(), Some((verdict, UnixMs(u64::MAX))));
        }
        files.save_refusal(None);
        assert_eq!(next.refusal(), None);
        files.forget_person();
        assert!(next.identity().is_none() && next.session().is_none() && next.registered().is_none());
        assert!(next.settings().is_some() && next.consent().is_some() && next.gate().is_some());
    }

    #[test]
    fn every_change_is_noticed_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (SharedFiles::open(dir.path()).unwrap(), SharedFiles::open(dir.path()).unwrap());
        let mut seen = theirs.changes();
        let mut changed = || std::mem::replace(&mut seen, theirs.changes()) != theirs.changes();
        assert!(!changed());
        ours.save_gate(UnixMs(1));
        assert!(changed() && !changed());
        ours.save_consent(Decision::Denied).unwrap();
        assert!(changed());
        ours.end_session();
        assert!(!changed(), "there was none");
        ours.save_refusal(Some((Refusal::Stopped, UnixMs(1))));
        assert!(changed());
        ours.save_refusal(None);
        assert!(changed());
    }

    #[test]
    fn nonsense_in_a_file_is_as_if_there_were_none() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles::open(dir.path()).unwrap();
        for text in ["\0\0", "", " ", "{}", "null"] {
            for name in [CONSENT, GATE, IDENTITY, REFUSAL, SESSION] {
                fs::write(dir.path().join(name), text).unwrap();
            }
            assert_eq!((files.gate(), files.session(), files.refusal()), (None, None, None));
            assert!(files.identity().is_none() && files.consent().is_none());
        }
    }
}
