//! The way back to the flow.

use headwater_bridge_flow::Input;
use tokio::sync::mpsc;

/// Tells the flow what happened, from any thread, without waiting.
#[derive(Clone)]
pub struct Reporter(mpsc::UnboundedSender<Input>);

impl Reporter {
    /// A reporter, and what [`host::start`](crate::host::start) reads.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Input>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// What is told after the end is nothing to anybody.
    pub fn tell(&self, input: Input) {
        let _ = self.0.send(input);
    }
}
