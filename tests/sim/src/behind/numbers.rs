//! The dictionary in memory.

use std::{collections::HashMap, mem};

use anyhow::ensure;
use headwater_consumer::{Counts, Kind, Numbers};

/// Names and their numbers; those since the last sync are lost when it is opened again.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Key: the kind's code, the site's number, the name.
    numbers: HashMap<Box<[u8]>, u64>,
    counts: Counts,
    durable: Counts,
    /// Keys of what was given out since the last sync.
    pending: Vec<Box<[u8]>>,
    key: Vec<u8>,
    next_sync_fails: bool,
}

impl Names {
    /// The next sync of something fails, and nothing of it is durable.
    pub fn fail_next_sync(&mut self) {
        self.next_sync_fails = true;
    }

    /// The number of a name, if it has one.
    #[must_use]
    pub fn known(&self, kind: Kind, site: u64, name: &[u8]) -> Option<u64> {
        let mut key = Vec::new();
        write_key(&mut key, kind, site, name);
        self.numbers.get(&key[..]).copied()
    }

    /// How many numbers of each kind survive a crash.
    #[must_use]
    pub fn durable(&self) -> Counts {
        self.durable
    }
}

impl Numbers for Names {
    fn number(&mut self, kind: Kind, site: u64, name: &[u8]) -> anyhow::Result<u64> {
        write_key(&mut self.key, kind, site, name);
        if let Some(number) = self.numbers.get(&self.key[..]) {
            return Ok(*number);
        }
        let number = self.counts.of(kind) + 1;
        self.counts = self.counts.with(kind, number);
        self.numbers.insert(self.key[..].into(), number);
        self.pending.push(self.key[..].into());
        Ok(number)
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        if !self.pending.is_empty() {
            ensure!(!mem::take(&mut self.next_sync_fails), "the dictionary cannot be written");
            self.pending.clear();
            self.durable = self.counts;
        }
        Ok(())
    }

    fn reopen(&mut self) -> anyhow::Result<()> {
        for key in self.pending.drain(..) {
            self.numbers.remove(&key);
        }
        self.counts = self.durable;
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}

fn write_key(key: &mut Vec<u8>, kind: Kind, site: u64, name: &[u8]) {
    key.clear();
    key.push(kind.code());
    key.extend_from_slice(&site.to_le_bytes());
    key.extend_from_slice(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_belongs_to_its_site_and_kind() {
        let mut names = Names::default();
        let mut number = |kind, site, name: &str| names.number(kind, site, name.as_bytes()).unwrap();
        assert_eq!([number(Kind::Client, 1, "a"), number(Kind::Client, 1, "b")], [1, 2]);
        assert_eq!([number(Kind::Client, 1, "a"), number(Kind::Client, 2, "a")], [1, 3]);
        assert_eq!(number(Kind::User, 1, "a"), 1);
        assert_eq!((names.known(Kind::Client, 2, b"a"), names.known(Kind::Client, 2, b"b")), (Some(3), None));
    }

    #[test]
    fn names_that_were_not_synced_are_forgotten_and_their_numbers_given_out_again() {
        let mut names = Names::default();
        names.site("kept").unwrap();
        names.sync().unwrap();
        names.site("lost").unwrap();
        names.fail_next_sync();
        assert!(names.sync().is_err());
        names.reopen().unwrap();
        assert_eq!((names.counts().of(Kind::Site), names.durable().of(Kind::Site)), (1, 1));
        assert_eq!([names.site("next").unwrap(), names.site("kept").unwrap()], [2, 1]);
        names.sync().unwrap();
        names.reopen().unwrap();
        assert_eq!(names.site("next").unwrap(), 2);
    }
}
