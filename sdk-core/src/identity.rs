//! What a change of the visitor begins: the one table that every shell obeys. Shells in Rust ask it, the others are
//! checked against it.

/// Something that happens to a visitor or to the process that records them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Change {
    /// Two names of one person are joined (`alias`): an event like any other.
    Alias,
    /// A purpose was granted, denied, or is unknown again. What was accepted before keeps its own stream, so that a
    /// denial can purge exactly that.
    Consent,
    /// What is known of the visitor is to be erased.
    Erase,
    /// The process forked: of two copies with one name each, only one may go on under it. The child also makes a new
    /// [`Client`](crate::client::Client), since the randomness of the parent's is no secret to it.
    Fork,
    /// The visitor is put into a group: an event like any other.
    Group,
    /// The visitor is now known by a user id: the header changes, and a header is never changed.
    Identify,
    /// A page was loaded or a process started.
    Open,
    /// The visitor left, and the next may be another person.
    Reset,
    /// The page came back from the back/forward cache: meanwhile an adopter took its stream for a dead owner's.
    Restored,
    /// The first write to the journal failed, and nobody knows what of it is kept: what the process holds in memory
    /// from now on has another name.
    WriteFailed,
}

/// What begins anew; what is `false` goes on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn or kept on its own")]
pub struct Cut {
    /// New streams are drawn, one per lane as they are needed, and the old ones closed
    /// ([`Input::Closed`](crate::client::Input::Closed)).
    pub stream: bool,
    /// The next event begins a new session ([`Input::Reset`](crate::client::Input::Reset)).
    pub session: bool,
    /// A new client id is drawn, and the user id forgotten.
    pub client: bool,
    /// A new device id is drawn.
    pub device: bool,
}

impl Change {
    /// Every change, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Alias,
        Self::Consent,
        Self::Erase,
        Self::Fork,
        Self::Group,
        Self::Identify,
        Self::Open,
        Self::Reset,
        Self::Restored,
        Self::WriteFailed,
    ];

    /// What this change begins.
    #[must_use]
    pub const fn cut(self) -> Cut {
        let stream = !matches!(self, Self::Alias | Self::Group);
        // Nothing may link the person before to the one after: not the client, not the device, not the visit.
        let person = matches!(self, Self::Erase | Self::Reset);
        Cut { stream, session: person, client: person, device: person }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Cut};

    #[test]
    fn only_a_new_person_gets_new_ids_and_a_new_session() {
        for change in Change::ALL {
            let Cut { stream, session, client, device } = change.cut();
            let person = matches!(change, Change::Erase | Change::Reset);
            assert_eq!([session, client, device], [person; 3], "{change:?}");
            assert!(stream || !person, "{change:?}: a new person in an old stream");
        }
    }

    #[test]
    fn whatever_changes_the_header_or_the_writer_begins_a_stream() {
        for change in Change::ALL {
            let event_only = matches!(change, Change::Alias | Change::Group);
            assert_eq!(change.cut().stream, !event_only, "{change:?}");
        }
    }
}
