//! What is kept of a client's address.

use std::{fmt, net::IpAddr};

use sha2::{Digest as _, Sha256};

use crate::{enrich::anonymised, sites::IpPolicy};

/// A secret of one day (UTC) by which addresses are hashed. The host draws it, gives each request the one of the day, and
/// destroys it at most 48 hours after the day began: then no hash leads back to an address, not by trying all of them
/// either.
#[derive(Clone)]
pub struct IpSalt([u8; 32]);

impl IpSalt {
    /// A salt of random bytes.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for IpSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IpSalt")
    }
}

/// The text of an event's `ip`. A hash, of 16 hexadecimal digits, is the site's own: two sites cannot compare theirs.
/// With a million addresses a day two of 64 bits meet once in 37 million days.
pub(crate) fn kept(policy: IpPolicy, ip: IpAddr, salt: Option<&IpSalt>, site: &str) -> Option<String> {
    match policy {
        IpPolicy::None => None,
        IpPolicy::Anonymised => Some(anonymised(ip).to_string()),
        IpPolicy::Hashed => {
            let IpSalt(salt) = salt?;
            let hash = Sha256::new().chain_update(salt);
            let hash = match ip.to_canonical() {
                IpAddr::V4(ip) => hash.chain_update(ip.octets()).chain_update([4]),
                IpAddr::V6(ip) => hash.chain_update(ip.octets()).chain_update([6]),
            };
            // The salt and an address have their lengths, so nothing reads alike.
            let hash = hash.chain_update(site).finalize();
            Some(format!("{:016x}", u64::from_be_bytes(std::array::from_fn(|at| hash[at]))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_address_its_day_and_its_site() {
        let of = |ip: &str, salt: u8, site: &str| {
            kept(IpPolicy::Hashed, ip.parse().unwrap(), Some(&IpSalt::new([salt; 32])), site).expect("a hash")
        };
        // Computed apart from this code (Python's hashlib).
        assert_eq!(of("203.0.113.77", 7, "site-123"), HASH);
        assert_eq!(of("::ffff:203.0.113.77", 7, "site-123"), HASH, "the same address");
        for other in [
            of("203.0.113.78", 7, "site-123"),
            of("203.0.113.77", 8, "site-123"),
            of("203.0.113.77", 7, "s"),
            of("2001:db8::1", 7, "site-123"),
        ] {
            assert_ne!(other, HASH);
        }
    }

    const HASH: &str = "dd5c598c9939fbde";

    #[test]
    fn without_a_salt_nothing_is_kept() {
        let ip = "203.0.113.77".parse().unwrap();
        assert_eq!(kept(IpPolicy::Hashed, ip, None, "s"), None);
        assert_eq!(kept(IpPolicy::None, ip, Some(&IpSalt::new([1; 32])), "s"), None);
        assert_eq!(kept(IpPolicy::Anonymised, ip, None, "s").as_deref(), Some("203.0.113.0"));
    }
}
