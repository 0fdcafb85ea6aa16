//! Who the visitor is: drawn at the first need, shared, changed by identify, reset, erasure and denial.

use headwater_core::{
    client::{Input, Lane, Purpose},
    identity::Change,
    refusal::Refusal,
};

use super::{Alive, Now, Shell, calls::Waiting};
use crate::{
    Identity, Shared,
    disk::{Disk, Item, Key, Room},
    shared::{read_registered, registered_bytes},
    text::Text,
};

impl Shell {
    /// Sees to it that it is known who the visitor is. Until then nothing is stored.
    pub(super) fn know(&mut self, disk: &mut Disk) -> Alive {
        if self.identity.is_none() {
            self.recall(disk);
        }
        if self.identity.is_none() {
            let identity = Identity::draw(0, &mut self.rng);
            self.become_visitor(disk, identity, true)?;
        }
        Ok(())
    }

    /// Takes in the identity that the disk holds.
    pub(super) fn recall(&mut self, disk: &Disk) {
        let text = disk.get(Key::shared(Item::Identity)).filter(|_| self.setup.storage);
        if let Some(identity) = text.and_then(|text| Identity::parse(text)) {
            self.identity_kept = text.cloned();
            self.inputs.push_back(Input::Visitor { draw: identity.draw_of_sample() });
            self.identity = Some(identity);
        }
    }

    /// Before each append: did another page identify, reset or deny, or is the storage empty?
    pub(super) fn compare(&mut self, disk: &mut Disk, now: Now) -> Alive {
        let kept = disk.get(Key::shared(Item::Identity));
        if self.identity.is_none() || !self.setup.storage || kept == self.identity_kept.as_ref() {
            return Ok(());
        }
        // A denial takes the identity with it, and may be older than the news of it.
        for no in 0..self.setup.purposes {
            if let Some(shared) = self.kept(disk, Item::Consent(no)) {
                self.hear(disk, now, shared)?;
            }
        }
        let Some(identity) = self.identity.clone() else { return self.run(disk, now) };
        let kept = disk.get(Key::shared(Item::Identity));
        if kept.is_some_and(|text| Identity::parse(text).is_some()) {
            self.recall(disk);
            self.close_all(|_| true);
            if self.identity.as_ref().map(|now| now.client) != Some(identity.client) {
                self.inputs.push_back(Input::Reset);
            }
        } else {
            self.become_visitor(disk, identity, false)?;
            self.keep_registered(disk)?;
        }
        self.run(disk, now)
    }

    /// The visitor has a name now: its event begins a stream.
    pub(super) fn identify(&mut self, disk: &mut Disk, user: &Text) -> Alive {
        self.know(disk)?;
        self.cut(disk, Change::Identify, Some(user), |_| true)
    }

    /// The visitor left. While it is not known whether anything may be kept, that waits like a call.
    pub(super) fn reset(&mut self, disk: &mut Disk, change: Change) -> Alive {
        self.registered.clear();
        let waits = change == Change::Reset && self.waits(Purpose::default());
        self.waiting.retain(|waiting| waits || !matches!(waiting, Waiting::Identify(_) | Waiting::Reset));
        let (kept, refused): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waits && waiting.purpose() == Purpose::default());
        self.waiting = kept;
        for waiting in refused {
            // It was called by the visitor before, whom nobody may take for the next.
            if let Waiting::Call(draft) = waiting {
                self.refuse(disk, draft.lane, Refusal::Waiting)?;
            }
        }
        if waits {
            self.waiting.push(Waiting::Reset);
            return Ok(());
        }
        self.keep_registered(disk)?;
        self.cut(disk, change, None, |_| true)
    }

    /// Whether calls of this purpose wait for consent.
    fn waits(&self, purpose: Purpose) -> bool {
        self.waiting.iter().any(|waiting| waiting.purpose() == purpose)
    }

    /// What a change begins anew, of the lanes that it is about.
    pub(super) fn cut(
        &mut self,
        disk: &mut Disk,
        change: Change,
        user: Option<&Text>,
        of: impl Fn(Lane) -> bool,
    ) -> Alive {
        let cut = change.cut();
        if (cut.client || user.is_some())
            && let Some(before) = self.identity.take()
        {
            let revision = before.revision + 1;
            let drawn = if cut.client { Identity::draw(revision, &mut self.rng) } else { before.clone() };
            let device = if cut.device { drawn.device } else { before.device };
            let after = Identity { revision, device, user: user.cloned(), ..drawn };
            self.become_visitor(disk, after, cut.client)?;
        }
        if cut.session {
            self.share(disk, Shared::Session(None))?;
        }
        if cut.stream {
            self.close_all(of);
        }
        if cut.session {
            self.inputs.push_back(Input::Reset);
        }
        Ok(())
    }

    /// Consent was denied: the ids go too, and what was registered with them; the next need draws anew.
    pub(super) fn forget_identity(&mut self, disk: &mut Disk) -> Alive {
        (self.identity, self.identity_kept) = (None, None);
        self.registered.clear();
        self.keep_registered(disk)?;
        self.share(disk, Shared::Identity)?;
        self.cut(disk, Change::Reset, None, |_| true)
    }

    /// Stores what is registered, once it may be.
    pub(super) fn keep_registered(&mut self, disk: &mut Disk) -> Alive {
        let granted = self.decisions.contains(&headwater_core::client::Decision::Granted);
        let bytes = registered_bytes(&self.registered);
        let kept = disk.get(Key::shared(Item::Registered)).map_or(&[] as &[u8], |bytes| bytes);
        if self.setup.storage && *kept != *bytes && (granted || bytes.is_empty()) {
            self.put_shared(disk, Item::Registered, &bytes)?;
            self.shared.push(Shared::Registered);
        }
        Ok(())
    }

    /// Takes in what is registered on the disk.
    pub(super) fn recall_registered(&mut self, disk: &Disk) {
        if self.setup.storage {
            let bytes = disk.get(Key::shared(Item::Registered)).map_or(&[] as &[u8], |bytes| bytes);
            self.registered = read_registered(bytes);
        }
    }

    fn become_visitor(&mut self, disk: &mut Disk, identity: Identity, new: bool) -> Alive {
        let bytes = identity.to_bytes();
        if new {
            self.inputs.push_back(Input::Visitor { draw: identity.draw_of_sample() });
        }
        self.identity = Some(identity);
        let key = Key::shared(Item::Identity);
        let kept = self.setup.storage && Self::put(disk, key, &bytes, Room::Any)?;
        self.identity_kept = if kept { disk.get(key).cloned() } else { None };
        self.shared.push(Shared::Identity);
        Ok(())
    }
}
