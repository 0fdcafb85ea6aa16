//! What becomes of messages.

/// Between whom a message travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hop {
    /// From the bridge to the broker.
    Broker,
    /// From a page to an edge.
    Client,
    /// From an edge to the bridge, or to the log.
    Stage,
}

/// What becomes of a request and its answer.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// The answer is lost.
    AnswerLost,
    /// The request is not delivered; somebody else answers with `status`.
    Foreign { status: u16 },
    /// The request is delivered; somebody else answers with `status`.
    ForeignAfter { status: u16 },
    /// The request takes so much longer.
    Late { ms: u64 },
    /// The answer takes so much longer.
    LateAnswer { ms: u64 },
    /// The request is lost.
    Lost,
    /// The request is refused by the one who should take it.
    Refused { status: u16, retry_after_s: u16 },
    /// The request is delivered, and again after so much time.
    Twice { ms: u64 },
    /// The answer speaks of `by` more events than were sent.
    WrongAck { by: i8 },
}
