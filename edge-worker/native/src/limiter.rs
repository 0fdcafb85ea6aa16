//! What one sender may send: requests, new streams, and seqs that it only speaks of. Beyond is answered 429 with a time to
//! come back, so an honest event is late and never refused for good.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use headwater_collector::{Admitted, Claim, Refusal, StreamKey};
use lru::LruCache;

/// What may come from one sender in a second, on average; 0 for any. All are off by default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rates {
    /// Requests of an address, of what carries no key that was ever right.
    pub requests_per_ip: u32,
    /// Requests that carry the same secret key.
    pub requests_per_key: u32,
    /// Streams of an address that were not known.
    pub streams_per_ip: u32,
    /// Seqs of an address that its requests speak of without bringing them: jumps of `head`, and what was lost.
    pub seqs_per_ip: u32,
}

impl Rates {
    /// What a server that anyone reaches begins with. A hundred requests a second are an office of thousands behind one
    /// address; five new streams are five page loads.
    pub const PUBLIC: Self =
        Self { requests_per_ip: 100, requests_per_key: 0, streams_per_ip: 50, seqs_per_ip: 10_000 };
}

/// So many seconds' worth may come at once.
const REQUEST_BURST_S: u32 = 10;

/// Likewise for streams and seqs: after an outage everyone comes at once, with all that was kept.
const CLAIM_BURST_S: u32 = 100;

/// Streams whose head is remembered, 100 bytes each.
const STREAMS: usize = 100_000;

/// Keys that were right, remembered by themselves.
const KEYS: usize = 1_000;

/// Checks between two looks at whether idle senders can be forgotten.
const SWEEP_EVERY: u32 = 4_096;

/// The limits, and what senders used of them.
pub(crate) struct Limiter {
    requests: Option<Buckets<Network>>,
    keys: Option<Buckets<String>>,
    streams: Option<Buckets<Network>>,
    seqs: Option<Buckets<Network>>,
    heads: Mutex<LruCache<StreamKey, u32>>,
    good: Mutex<LruCache<String, ()>>,
}

impl Limiter {
    pub(crate) fn new(rates: Rates) -> Self {
        let lru = |most| NonZeroUsize::new(most).expect("a bound of ours");
        Self {
            requests: Buckets::new(rates.requests_per_ip, REQUEST_BURST_S),
            keys: Buckets::new(rates.requests_per_key, REQUEST_BURST_S),
            streams: Buckets::new(rates.streams_per_ip, CLAIM_BURST_S),
            seqs: Buckets::new(rates.seqs_per_ip, CLAIM_BURST_S),
            heads: Mutex::new(LruCache::new(lru(STREAMS))),
            good: Mutex::new(LruCache::new(lru(KEYS))),
        }
    }

    /// Before anything of a request is read.
    pub(crate) fn request(&self, ip: Option<IpAddr>, authorization: Option<&str>) -> Result<(), Refusal> {
        if let Some(key) = authorization
            && lock(&self.good).get(key).is_some()
        {
            return match &self.keys {
                Some(keys) => keys.take(&key.to_owned(), 1, "Authorization: requests with this key"),
                None => Ok(()),
            };
        }
        match (&self.requests, ip) {
            (Some(requests), Some(ip)) => requests.take(&Network::of(ip), 1, "requests from this address"),
            _ => Ok(()),
        }
    }

    /// The key of a request was right.
    pub(crate) fn good_key(&self, authorization: &str) {
        let mut good = lock(&self.good);
        if good.get(authorization).is_none() {
            good.put(authorization.to_owned(), ());
        }
    }

    /// Before anything of a request is believed.
    pub(crate) fn claims(&self, ip: Option<IpAddr>, admitted: &Admitted<'_>) -> Result<(), Refusal> {
        match ip {
            Some(ip) if self.streams.is_some() || self.seqs.is_some() => {
                self.believe(ip, admitted.claims().collect())
            }
            _ => Ok(()),
        }
    }

    fn believe(&self, ip: IpAddr, claims: Vec<Claim>) -> Result<(), Refusal> {
        let (mut streams, mut seqs) = (0, 0);
        {
            let mut heads = lock(&self.heads);
            for claim in &claims {
                let known = heads.get(&claim.stream).copied();
                streams += u32::from(known.is_none());
                seqs += u64::from(claim.head.saturating_sub(known.unwrap_or(0))) + claim.lost;
            }
        }
        let network = Network::of(ip);
        if let Some(buckets) = self.streams.as_ref().filter(|_| streams > 0) {
            buckets.take(&network, streams, "new streams from this address")?;
        }
        let seqs = u32::try_from(seqs).unwrap_or(u32::MAX);
        if let Some(buckets) = self.seqs.as_ref().filter(|_| seqs > 0) {
            buckets.take(&network, seqs, "events and losses that this address speaks of")?;
        }
        let mut heads = lock(&self.heads);
        for claim in claims {
            let head = heads.get_or_insert_mut(claim.stream, || 0);
            *head = claim.head.max(*head);
        }
        Ok(())
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Network(IpAddr);

impl Network {
    fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// One limit, for each sender by itself.
struct Buckets<K: Clone + Eq + std::hash::Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    burst: NonZeroU32,
    checks: AtomicU32,
}

impl<K: Clone + Eq + std::hash::Hash> Buckets<K> {
    fn new(per_second: u32, burst_s: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let burst = rate.saturating_mul(NonZeroU32::new(burst_s)?);
        let limiter = RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst));
        Some(Self { limiter, burst, checks: AtomicU32::new(0) })
    }

    /// Takes so many, or says when they may come. Nobody is asked for more than there can be: what is larger takes all.
    fn take(&self, key: &K, count: u32, what: &str) -> Result<(), Refusal> {
        // A sender that is forgotten when its bucket is full again is the same as a new one.
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let Some(count) = NonZeroU32::new(count) else { return Ok(()) };
        match self.limiter.check_key_n(key, count.min(self.burst)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
                Err(Refusal::limited(format!("too many {what}"), seconds))
            }
            Err(_) => unreachable!("never more than the burst"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(stream: u8, head: u32, lost: u64) -> Claim {
        Claim { stream: StreamKey { site: "s".into(), stream: [stream; 16] }, head, lost }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn take(limiter: &Limiter, from: &str, count: u32) -> u32 {
        (0..count).map(|_| u32::from(limiter.request(Some(ip(from)), None).is_ok())).sum()
    }

    #[test]
    fn an_address_has_its_burst_and_no_other_pays_for_it() {
        let limiter = Limiter::new(Rates { requests_per_ip: 1, ..Rates::default() });
        assert!((10..13).contains(&take(&limiter, "203.0.113.1", 100)));
        let refusal = limiter.request(Some(ip("203.0.113.1")), None).unwrap_err();
        assert_eq!((refusal.kind.status(), refusal.retry_after_s), (429, Some(1)));
        assert_eq!(take(&limiter, "203.0.113.2", 5), 5);
        assert!(
            take(&limiter, "2001:db8::1", 9) + take(&limiter, "2001:db8::2", 9) < 13,
            "one /64 is one sender"
        );
        assert_eq!(take(&limiter, "2001:db8:0:1::1", 5), 5);
    }

    #[test]
    fn a_key_that_was_right_has_a_limit_of_its_own_and_one_that_was_not_has_none() {
        let limiter = Limiter::new(Rates { requests_per_ip: 1, requests_per_key: 2, ..Rates::default() });
        take(&limiter, "203.0.113.1", 100);
        let with = |key| limiter.request(Some(ip("203.0.113.1")), Some(key)).is_ok();
        assert!(!with("Bearer guess"));
        limiter.good_key("Bearer key-1");
        let passed: u32 = (0..100).map(|_| u32::from(with("Bearer key-1"))).sum();
        assert!((20..25).contains(&passed), "{passed}");
    }

    #[test]
    fn new_streams_and_what_is_only_spoken_of_are_bounded_and_known_streams_go_on() {
        let rates = Rates { streams_per_ip: 1, seqs_per_ip: 10, ..Rates::default() };
        let limiter = Limiter::new(rates);
        let from = ip("203.0.113.1");
        let said = |claim: Claim| limiter.believe(from, vec![claim]);
        assert_eq!(said(claim(0, 500, 0)), Ok(()));
        assert_eq!(said(claim(0, 510, 0)), Ok(()));
        let refusal = said(claim(0, 2_000, 0)).unwrap_err();
        assert_eq!(refusal.kind.status(), 429);
        assert_eq!(said(claim(0, 520, 0)), Ok(()), "it did not move what is known");
        assert!(said(claim(0, 520, 1 << 31)).is_err(), "a forged loss");
        let streams: u32 = (1..=200).map(|stream| u32::from(said(claim(stream, 0, 0)).is_ok())).sum();
        assert!((99..103).contains(&streams), "{streams}");
        assert_eq!(said(claim(0, 520, 0)), Ok(()));
    }

    #[test]
    fn what_is_larger_than_any_burst_passes_with_a_full_one() {
        let limiter = Limiter::new(Rates { seqs_per_ip: 10, ..Rates::default() });
        let from = ip("::1");
        assert_eq!(limiter.believe(from, vec![claim(0, 1 << 31, 0)]), Ok(()));
        assert!(limiter.believe(from, vec![claim(1, 500, 0)]).is_err());
    }

    #[test]
    fn without_rates_nothing_is_limited() {
        let limiter = Limiter::new(Rates::default());
        assert_eq!(take(&limiter, "203.0.113.1", 10_000), 10_000);
    }
}
