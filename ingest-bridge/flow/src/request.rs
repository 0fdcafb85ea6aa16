//! What is still owed to senders: each line its outcome, each request one answer.

use std::collections::{BTreeMap, VecDeque};

use crate::effect::{Answer, Cause, Outcome};

#[derive(Debug, Default)]
pub(crate) struct Requests {
    open: BTreeMap<u64, Open>,
    /// In the order of their times, also of requests that are answered.
    deadlines: VecDeque<(u64, u64)>,
}

#[derive(Debug)]
struct Open {
    outcomes: Vec<Option<Outcome>>,
    left: usize,
    incarnation: Option<u128>,
    /// The topic was created anew since: what the old one took is nowhere.
    is_stale: bool,
}

impl Requests {
    /// Begins a request; whether it is a new one. Lines that have no outcome yet get theirs by
    /// [`settle`](Self::settle).
    pub(crate) fn open(
        &mut self,
        request: u64,
        outcomes: Vec<Option<Outcome>>,
        incarnation: Option<u128>,
        deadline: u64,
    ) {
        let left = outcomes.iter().filter(|outcome| outcome.is_none()).count();
        self.open.insert(request, Open { outcomes, left, incarnation, is_stale: false });
        self.deadlines.push_back((deadline, request));
    }

    pub(crate) fn is_open(&self, request: u64) -> bool {
        self.open.contains_key(&request)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// The answer, if every line has its outcome.
    pub(crate) fn finish(&mut self, request: u64) -> Option<Answer> {
        let is_complete = self.open.get(&request)?.left == 0;
        if is_complete { self.open.remove(&request).map(Open::answer) } else { None }
    }

    /// Tells what became of a line. The first word counts, and what is answered is answered.
    pub(crate) fn settle(&mut self, request: u64, index: usize, outcome: Outcome) -> Option<Answer> {
        let open = self.open.get_mut(&request)?;
        let line = open.outcomes.get_mut(index)?;
        if line.is_none() {
            *line = Some(outcome);
            open.left -= 1;
        }
        self.finish(request)
    }

    /// Nobody waits for this answer.
    pub(crate) fn gone(&mut self, request: u64) {
        self.open.remove(&request);
    }

    pub(crate) fn recreated(&mut self) {
        self.open.values_mut().for_each(|open| open.is_stale = true);
    }

    /// The answers whose time is up at `now`.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<(u64, Answer)> {
        let mut answers = Vec::new();
        while let Some((deadline, request)) = self.deadlines.front().copied() {
            let is_open = self.open.contains_key(&request);
            if is_open && deadline > now {
                break;
            }
            self.deadlines.pop_front();
            answers.extend(self.open.remove(&request).map(|open| (request, open.cut_short(Cause::Late))));
        }
        answers
    }

    /// The answers of all that are open, in the order of their numbers.
    pub(crate) fn end(&mut self) -> Vec<(u64, Answer)> {
        let open = std::mem::take(&mut self.open).into_iter();
        open.map(|(request, open)| (request, open.cut_short(Cause::Stopping))).collect()
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }
}

impl Open {
    fn cut_short(mut self, cause: Cause) -> Answer {
        for outcome in self.outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
            *outcome = Some(Outcome::Retry(cause));
        }
        self.answer()
    }

    fn answer(self) -> Answer {
        let stale = |outcome| match outcome {
            Outcome::Accepted if self.is_stale => Outcome::Retry(Cause::Recreated),
            outcome => outcome,
        };
        Answer::new(self.incarnation, self.outcomes.into_iter().flatten().map(stale).collect())
    }
}
