//! What a denial does to a stream.

use super::{outbox::Outbox, stream::Stream};
use crate::reason::Reason;

/// Gives up everything the stream still holds. From now on it is known to the server by its UUID and its names
/// alone: requests carry no header and no event.
pub(super) fn purge(stream: &mut Stream, out: &mut Outbox) {
    stream.purged = true;
    stream.lose(Reason::Consent, out, &|_| true);
}
