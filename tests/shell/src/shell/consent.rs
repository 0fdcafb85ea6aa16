//! What a visitor's decision does.

use std::mem;

use headwater_core::{
    client::{Decision, Input, Purpose},
    identity::Change,
    refusal::Refusal,
};

use super::{Alive, Now, Shell, calls::Waiting};
use crate::{Shared, disk::Disk};

impl Shell {
    /// The visitor decided, here (`own`) or in another page.
    pub(super) fn decide(
        &mut self,
        disk: &mut Disk,
        now: Now,
        purpose: Purpose,
        decision: Decision,
        own: bool,
    ) -> Alive {
        if own {
            self.share(disk, Shared::Consent { purpose, decision })?;
        }
        let Some(known) = self.decisions.get_mut(usize::from(purpose.0)) else { return Ok(()) };
        if *known == decision {
            return Ok(());
        }
        *known = decision;
        self.cut(disk, Change::Consent, None, |lane| lane.purpose == purpose)?;
        self.inputs.push_back(Input::Consent { purpose, decision });
        match decision {
            Decision::Denied => {
                for waiting in self.take_waiting(purpose) {
                    if let Waiting::Call(draft) = waiting {
                        self.refuse(disk, draft.lane, Refusal::Consent)?;
                    }
                }
                let none = self.decisions.iter().all(|decision| *decision == Decision::Denied);
                if none && (self.identity.is_some() || !self.registered.is_empty()) {
                    self.forget_identity(disk)?;
                }
            }
            Decision::Granted => {
                self.keep_registered(disk)?;
                if !self.waiting.is_empty() {
                    self.know(disk)?;
                    self.run(disk, now)?;
                    self.append_waiting(disk, now, purpose)?;
                }
            }
            Decision::Unknown => {}
        }
        self.run(disk, now)
    }

    /// What waited is appended with its own times, unless it is refused for another reason by now.
    fn append_waiting(&mut self, disk: &mut Disk, now: Now, purpose: Purpose) -> Alive {
        let mut drafts = Vec::new();
        for waiting in self.take_waiting(purpose) {
            match waiting {
                Waiting::Call(draft) => match self.refusal(now) {
                    Some(verdict) => _ = self.refuse(disk, draft.lane, verdict)?,
                    None => drafts.push(draft),
                },
                Waiting::Identify(user) => {
                    self.append(disk, now, &mut drafts, &mut [])?;
                    self.identify(disk, &user)?;
                }
                Waiting::Reset => {
                    self.append(disk, now, &mut drafts, &mut [])?;
                    self.cut(disk, Change::Reset, None, |_| true)?;
                }
            }
        }
        self.append(disk, now, &mut drafts, &mut [])
    }

    fn take_waiting(&mut self, purpose: Purpose) -> Vec<Waiting> {
        let (taken, kept) =
            mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.purpose() == purpose);
        self.waiting = kept;
        taken
    }
}
