//! The way back to the flow.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use headwater_bridge_flow::Input;
use tokio::sync::mpsc;

/// Tells the flow what happened, from any thread, without waiting.
#[derive(Clone)]
pub struct Reporter {
    told: mpsc::UnboundedSender<Told>,
    arrived: Arc<Arrived>,
}

/// What the flow's thread reads.
pub struct Reports {
    told: mpsc::UnboundedReceiver<Told>,
    arrived: Arc<Arrived>,
}

enum Told {
    /// There is something in [`Arrived`].
    Arrived,
    Input(Input),
}

/// Attempts whose records are durable. They are most of what is told, so one word announces all that come until it is
/// read: such a report is only ever heard earlier than what was told before it, which it may be, because it is final.
#[derive(Default)]
struct Arrived(Mutex<Vec<u64>>);

impl Reporter {
    /// A reporter, and what [`host::start`](crate::host::start) reads.
    #[must_use]
    pub fn channel() -> (Self, Reports) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let arrived = Arc::<Arrived>::default();
        (Self { told: sender, arrived: Arc::clone(&arrived) }, Reports { told: receiver, arrived })
    }

    /// What is told after the end is nothing to anybody.
    pub fn tell(&self, input: Input) {
        let _ = self.told.send(Told::Input(input));
    }

    /// As [`tell`](Self::tell) of [`Input::Arrived`] with this attempt among others.
    pub fn arrived(&self, attempt: u64) {
        let mut arrived = self.arrived.lock();
        let is_first = arrived.is_empty();
        arrived.push(attempt);
        drop(arrived);
        if is_first {
            let _ = self.told.send(Told::Arrived);
        }
    }
}

impl Reports {
    /// The next, or `None` when no reporter is left.
    pub async fn recv(&mut self) -> Option<Input> {
        self.told.recv().await.map(|told| self.arrived.input(told))
    }

    /// Waits for one; then as many as are there, up to `most`.
    pub async fn recv_many(&mut self, inputs: &mut Vec<Input>, most: usize) {
        inputs.extend(self.recv().await);
        while inputs.len() < most
            && let Ok(told) = self.told.try_recv()
        {
            inputs.push(self.arrived.input(told));
        }
    }

    /// As [`recv`](Self::recv), outside of a runtime.
    pub fn blocking_recv(&mut self) -> Option<Input> {
        self.told.blocking_recv().map(|told| self.arrived.input(told))
    }
}

impl Arrived {
    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input(&self, told: Told) -> Input {
        match told {
            Told::Arrived => Input::Arrived(mem::take(&mut self.lock())),
            Told::Input(input) => input,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_is_heard_at_once_and_never_after_what_was_told_later() {
        let (reporter, mut reports) = Reporter::channel();
        reporter.arrived(1);
        reporter.arrived(2);
        reporter.tell(Input::Fatal);
        reporter.arrived(3);
        assert!(matches!(reports.blocking_recv(), Some(Input::Arrived(attempts)) if attempts == [1, 2, 3]));
        reporter.arrived(4);
        assert!(matches!(reports.blocking_recv(), Some(Input::Fatal)));
        assert!(matches!(reports.blocking_recv(), Some(Input::Arrived(attempts)) if attempts == [4]));
        drop(reporter);
        assert!(reports.blocking_recv().is_none());
    }
}
