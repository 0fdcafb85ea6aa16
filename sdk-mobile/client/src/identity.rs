//! Who the events are of.

use headwater_core::identity::Change;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The ids of one visitor, as headers carry them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Identity {
    /// Makes every change visible to other processes, even one back to the same user.
    pub(crate) revision: u64,
    pub(crate) client_id: String,
    /// None if the program gives its clients their ids.
    pub(crate) device_id: Option<String>,
    pub(crate) user_id: Option<String>,
}

impl Identity {
    /// Somebody new.
    pub(crate) fn draw() -> Self {
        Self { revision: 0, client_id: id(), device_id: Some(id()), user_id: None }
    }

    /// Somebody whom the program names.
    pub(crate) const fn given(client_id: String) -> Self {
        Self { revision: 0, client_id, device_id: None, user_id: None }
    }

    /// Who it is after a change, which may bring the name of the user.
    pub(crate) fn after(&self, change: Change, user_id: Option<String>) -> Self {
        let cut = change.cut();
        Self {
            revision: self.revision + 1,
            client_id: if cut.client { id() } else { self.client_id.clone() },
            device_id: if cut.device {
                self.device_id.as_ref().map(|_| id())
            } else {
                self.device_id.clone()
            },
            user_id: if cut.client { user_id } else { user_id.or_else(|| self.user_id.clone()) },
        }
    }

    /// What decides whether the client is in a sample: the first 32 bits of its id, if that is a UUID, else FNV-1a
    /// of it (32 bits; draft-eastlake-fnv), which must never change.
    pub(crate) fn draw_of_sample(&self) -> u32 {
        let mix = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = || self.client_id.bytes().fold(0x811c_9dc5, mix);
        Uuid::try_parse(&self.client_id).map_or_else(|_| hash(), |uuid| uuid.as_fields().0)
    }
}

fn id() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_leaves_nothing_that_links_the_two() {
        let before = Identity::draw().after(Change::Identify, Some("user-7".into()));
        let after = before.after(Change::Reset, None);
        assert_ne!(before.client_id, after.client_id);
        assert_ne!(before.device_id, after.device_id);
        assert!(after.device_id.is_some());
        assert_eq!((after.user_id, after.revision), (None, 2));
    }

    #[test]
    fn identify_keeps_the_ids_and_what_does_not_name_a_user_keeps_the_user() {
        let before = Identity::draw();
        let named = before.after(Change::Identify, Some("user-7".into()));
        assert_eq!((&named.client_id, &named.device_id), (&before.client_id, &before.device_id));
        assert_eq!(named.after(Change::Consent, None).user_id.as_deref(), Some("user-7"));
    }

    #[test]
    fn the_draw_is_the_first_bits_of_a_uuid_and_a_hash_of_anything_else() {
        let draw = |id: &str| Identity::given(id.into()).draw_of_sample();
        assert_eq!(draw("89abcdef-0000-4000-8000-000000000000"), 0x89ab_cdef);
        // The published test vectors of FNV-1a.
        assert_eq!(draw(""), 0x811c_9dc5);
        assert_eq!(draw("a"), 0xe40c_292c);
        assert_eq!(draw("foobar"), 0xbf9c_f968);
    }
}
