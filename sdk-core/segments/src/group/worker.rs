//! The thread of a [`GroupCommit`](super::GroupCommit).

use std::{
    mem,
    sync::{Arc, PoisonError},
};

use super::{Answer, AppendError, Job, Queue, Shared, lock};
use crate::{Error, Log};

pub(super) fn run(mut log: Log, shared: &Shared) {
    let _ended = Ended(shared);
    while let Some(jobs) = next_jobs(shared) {
        let mut group = Group::default();
        for job in jobs {
            match job {
                Job::Append { records, bytes, answer } => group.add(records, bytes, answer),
                Job::DropBefore { offset, answer } => {
                    let outcome =
                        log.drop_before(offset).map_err(|error| AppendError::Failed(Arc::new(error)));
                    // Nobody waits any more: the segments are gone all the same.
                    let _ = answer.send(outcome);
                }
            }
        }
        if group.answers.is_empty() {
            continue;
        }
        let outcome = group.commit(&mut log);
        settle(shared, group, outcome);
    }
}

/// However the thread ends (a callback may panic), nobody waits for it afterwards.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        queue.closing = true;
        queue.jobs.clear();
    }
}

/// Everything that waits; `None` when there is nothing and never will be.
fn next_jobs(shared: &Shared) -> Option<Vec<Job>> {
    let mut queue = lock(&shared.queue);
    while queue.jobs.is_empty() {
        if queue.closing || queue.failure.is_some() {
            return None;
        }
        queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
    Some(mem::take(&mut queue.jobs))
}

fn settle(shared: &Shared, group: Group, outcome: Result<u64, Error>) {
    let outcome = outcome.map_err(|error| AppendError::Failed(Arc::new(error)));
    let mut waiting = Vec::new();
    {
        let mut queue = lock(&shared.queue);
        queue.bytes -= group.bytes;
        if let Err(failure) = &outcome {
            waiting = fail(&mut queue, failure);
        }
    }
    if let Ok(first) = outcome {
        // Consumers may start on it while the answers travel.
        *lock(&shared.durable) = first + group.records.len() as u64;
        shared.advanced.notify_all();
    }
    for (index, answer) in group.answers {
        answer(outcome.clone().map(|first| first + index));
    }
    for answer in waiting {
        answer(outcome.clone());
    }
}

/// Refuses everything from now on and returns who else is waiting.
fn fail(queue: &mut Queue, failure: &AppendError) -> Vec<Answer> {
    queue.failure = Some(failure.clone());
    queue.bytes = 0;
    // A waiting `drop_before` is told by its answer being dropped.
    let waiting = mem::take(&mut queue.jobs).into_iter();
    waiting.filter_map(|job| if let Job::Append { answer, .. } = job { Some(answer) } else { None }).collect()
}

#[derive(Default)]
struct Group {
    records: Vec<Vec<u8>>,
    bytes: usize,
    /// Each with the index of its first record.
    answers: Vec<(u64, Answer)>,
}

impl Group {
    fn add(&mut self, records: Vec<Vec<u8>>, bytes: usize, answer: Answer) {
        self.answers.push((self.records.len() as u64, answer));
        self.records.extend(records);
        self.bytes += bytes;
    }

    fn commit(&self, log: &mut Log) -> Result<u64, Error> {
        let first = log.append(&self.records)?;
        log.sync()?;
        Ok(first)
    }
}
