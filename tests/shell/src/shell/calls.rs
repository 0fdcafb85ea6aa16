//! What becomes of a call: refused, held, or appended.

use std::rc::Rc;

use headwater_core::{
    client::{Decision, Input, Lane, Purpose},
    identity::Change,
    refusal::Refusal,
    time::UnixMs,
};

use super::{Alive, Dead, Life, Now, Shell, number, stream::Current};
use crate::{Call, Called, Fact, Text, call::EVENT_MAX, disk::Disk};

/// An event on its way to a stream.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) lane: Lane,
    pub(super) ts: UnixMs,
    pub(super) body: Rc<[u8]>,
    /// Which call of the task it was; none for one that waited for consent.
    pub(super) call: Option<usize>,
}

/// What waits for consent. A call has its time, and is not accepted.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    Call(Draft),
    /// The next call identifies the visitor.
    Identify(Text),
    /// From the next call on the visitor is somebody else.
    Reset,
}

impl Waiting {
    /// Whose decision it waits for.
    pub(super) fn purpose(&self) -> Purpose {
        match self {
            Self::Call(draft) => draft.lane.purpose,
            Self::Identify(_) | Self::Reset => Purpose::default(),
        }
    }
}

impl Shell {
    /// One call in a task of its own.
    pub fn call(&mut self, disk: &mut Disk, now: Now, call: &Call) -> Called {
        self.calls(disk, now, std::slice::from_ref(call)).pop().expect("an outcome per call")
    }

    /// The calls of one task: those of one lane share a journal entry.
    pub fn calls(&mut self, disk: &mut Disk, now: Now, calls: &[Call]) -> Vec<Called> {
        let nothing = if self.life == Life::Running { Called::Died { name: None } } else { Called::Left };
        let mut called = vec![nothing; calls.len()];
        if self.life == Life::Running {
            let outcome = self.make_calls(disk, now, calls, &mut called);
            self.live(outcome);
        }
        called
    }

    fn make_calls(&mut self, disk: &mut Disk, now: Now, calls: &[Call], called: &mut [Called]) -> Alive {
        self.compare(disk, now)?;
        let mut drafts = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            if !call.is_event() {
                self.append(disk, now, &mut drafts, called)?;
                self.change(disk, now, call)?;
                called[at] = Called::Done;
                continue;
            }
            if let Err(outcome) = self.judge(disk, now, call)? {
                called[at] = outcome;
                continue;
            }
            if let Call::Identify(user, _) = call
                && self.decision(Purpose(0)) == Decision::Granted
            {
                self.append(disk, now, &mut drafts, called)?;
                self.identify(disk, user)?;
            }
            let draft = self.draft(call, now, at);
            if draft.body.len() > EVENT_MAX {
                called[at] = self.refuse(disk, draft.lane, Refusal::Invalid)?;
            } else if self.decision(call.purpose()) == Decision::Unknown {
                called[at] = Called::Held;
                if let Call::Identify(user, _) = call {
                    self.waiting.push(Waiting::Identify(user.clone()));
                }
                self.waiting.push(Waiting::Call(Draft { call: None, ..draft }));
            } else {
                drafts.push(draft);
            }
        }
        self.append(disk, now, &mut drafts, called)?;
        self.run(disk, now)
    }

    /// Calls that make no event.
    fn change(&mut self, disk: &mut Disk, now: Now, call: &Call) -> Alive {
        match call {
            Call::Consent(purpose, decision) => self.decide(disk, now, *purpose, *decision, true)?,
            Call::Flush => self.inputs.push_back(Input::Flush),
            Call::Register(name, value) => {
                self.registered.retain(|(known, _)| known != name);
                if self.decision(Purpose::default()) != Decision::Denied {
                    self.registered.push((name.clone(), value.clone()));
                }
                self.keep_registered(disk)?;
            }
            Call::Reset => self.reset(disk, Change::Reset)?,
            Call::Unregister(name) => {
                self.registered.retain(|(known, _)| known != name);
                self.keep_registered(disk)?;
            }
            _ => {}
        }
        self.run(disk, now)
    }

    /// Refuses a call, or lets it on.
    fn judge(&mut self, disk: &mut Disk, now: Now, call: &Call) -> Alive<Result<(), Called>> {
        let lane = lane_of(call);
        let decision = self.decision(lane.purpose);
        if decision == Decision::Granted && self.identity.is_none() {
            // Whether the visitor is in the sample is known once it is known who it is.
            self.know(disk)?;
            self.run(disk, now)?;
        }
        let waiting = self.waiting.iter().filter(|waiting| matches!(waiting, Waiting::Call(_))).count();
        let full = decision == Decision::Unknown && waiting >= self.setup.waiting_max;
        let drops = || self.setup.plugin_drops.iter().any(|name| name == call.name());
        let verdict = match self.refusal(now) {
            _ if decision == Decision::Denied => Some(Refusal::Consent),
            Some(verdict) => Some(verdict),
            None if drops() => Some(Refusal::Plugin),
            None => full.then_some(Refusal::Waiting),
        };
        match verdict {
            Some(verdict) => self.refuse(disk, lane, verdict).map(Err),
            None => Ok(Ok(())),
        }
    }

    /// The core's verdict, while it holds.
    pub(super) fn refusal(&self, now: Now) -> Option<Refusal> {
        self.verdict.filter(|(_, until)| now.unix < *until).map(|(verdict, _)| verdict)
    }

    /// Counts a refusal, to be told with the purpose's stream. One is opened for it if need be, unless that would
    /// write who somebody is without consent, or pester a site that is gone.
    pub(super) fn refuse(&mut self, disk: &mut Disk, lane: Lane, verdict: Refusal) -> Alive<Called> {
        let lane = Lane { precious: false, ..lane };
        let at = self.current_of(lane);
        let counter = Refusal::ALL.iter().position(|known| *known == verdict).expect("one of all");
        self.current[at].refused[counter] += 1;
        let may_open = !matches!(verdict, Refusal::Consent | Refusal::Stopped | Refusal::Waiting);
        match self.current[at].stream {
            Some(stream) => {
                let total = self.current[at].refused[counter];
                self.inputs.push_back(Input::Refused { stream: number(stream), verdict, total });
            }
            None if may_open && self.decision(lane.purpose) == Decision::Granted => {
                self.open_stream(disk, lane, self.setup.storage)?;
            }
            None => {}
        }
        let stream = self.current[at].stream.map(|stream| self.streams[stream].id);
        self.facts.push(Fact::Refused { verdict, stream });
        Ok(Called::Refused(verdict))
    }

    pub(super) fn decision(&self, purpose: Purpose) -> Decision {
        // A purpose that the site does not have is not granted by anybody.
        self.decisions.get(usize::from(purpose.0)).copied().unwrap_or(Decision::Denied)
    }

    /// Where the lane's stream and counters are.
    pub(super) fn current_of(&mut self, lane: Lane) -> usize {
        self.current.iter().position(|current| current.lane == lane).unwrap_or_else(|| {
            self.current.push(Current::new(lane));
            self.current.len() - 1
        })
    }

    /// The event of a call. Its `ts` strictly increases over all streams of the shell, whatever the clock does.
    fn draft(&mut self, call: &Call, now: Now, at: usize) -> Draft {
        self.last_ts = now.unix.0.max(self.last_ts + 1);
        let mut body = Vec::with_capacity(160);
        let ts = call.write(&mut body, self.last_ts, &self.registered);
        Draft { lane: lane_of(call), ts: UnixMs(ts), body: body.into(), call: Some(at) }
    }
}

const fn lane_of(call: &Call) -> Lane {
    Lane { purpose: call.purpose(), precious: call.is_precious() }
}

/// What a death in the middle of an append leaves to tell: the names that the events would have.
pub(super) fn died(called: &mut [Called], draft: &Draft, name: Option<(uuid::Uuid, u32)>) -> Dead {
    if let Some(outcome) = draft.call.and_then(|at| called.get_mut(at)) {
        *outcome = Called::Died { name };
    }
    Dead
}
