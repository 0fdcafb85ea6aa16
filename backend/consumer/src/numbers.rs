//! Small numbers instead of names, so that rows are small and pseudonymous.

/// Gives names numbers: from 1, dense per kind, never given out twice. A number may be committed only when
/// [`sync`](Self::sync) returned after it was given out, so a dictionary may know more than the store and never
/// less.
pub trait Numbers {
    /// The number of something that belongs to a site (0 for sites themselves); drawn now if it has none.
    fn number(&mut self, kind: Kind, site: u64, name: &[u8]) -> anyhow::Result<u64>;

    /// Makes every number given out durable.
    ///
    /// # Errors
    /// It must be read back then ([`reopen`](Self::reopen)): what it gave out since the last success may be lost.
    fn sync(&mut self) -> anyhow::Result<()>;

    /// Forgets what was given out since the last [`sync`](Self::sync) that succeeded.
    fn reopen(&mut self) -> anyhow::Result<()>;

    /// How many numbers of each kind have been given out.
    fn counts(&self) -> Counts;

    /// The number of a site.
    fn site(&mut self, id: &str) -> anyhow::Result<u64> {
        self.number(Kind::Site, 0, id.as_bytes())
    }
}

/// What is named. The codes are on disk and never change.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Kind {
    /// A device or browser, by the id it was given.
    Client = 1,
    /// A device, by the platform's identity for it.
    Device = 2,
    /// A session of the SDK.
    Session = 3,
    /// A site.
    Site = 4,
    /// An opening of a journal, by its 16 bytes.
    Stream = 5,
    /// A person.
    User = 6,
}

impl Kind {
    /// Every kind, by its code.
    pub const ALL: [Self; 6] =
        [Self::Client, Self::Device, Self::Session, Self::Site, Self::Stream, Self::User];

    /// The kind that has this code.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Its code on disk: 1 to 6.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it is called in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Device => "device",
            Self::Session => "session",
            Self::Site => "site",
            Self::Stream => "stream",
            Self::User => "user",
        }
    }
}

/// How many numbers of each kind were given out; also the largest of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// The count of one kind.
    #[must_use]
    pub const fn of(self, kind: Kind) -> u64 {
        self.0[kind as usize - 1]
    }

    /// Sets the count of one kind.
    #[must_use]
    pub const fn with(mut self, kind: Kind, count: u64) -> Self {
        self.0[kind as usize - 1] = count;
        self
    }
}
