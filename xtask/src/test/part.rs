//! What `test` and `soak` are made of.

/// A part of the checks that stands for itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Format, lints, types, documents
    Source,
    /// Unit and property tests
    Unit,
    /// The simulator, and the bugs planted for it
    Sim,
    /// One contract on every host of the collector: the native server, workerd, Viceroy
    Edge,
    /// The package in real browsers
    Browsers,
    /// `kill -9` of the server and of its senders
    Crashes,
    /// Bridge and consumer on a real broker, and every fault on that way
    Kafka,
    /// The public clickstream compared with an independent count
    Clickstream,
}

impl Part {
    /// In the order in which they run: what fails soonest comes first.
    pub(crate) const ALL: [Self; 8] = [
        Self::Source,
        Self::Unit,
        Self::Sim,
        Self::Edge,
        Self::Browsers,
        Self::Crashes,
        Self::Kafka,
        Self::Clickstream,
    ];
}
