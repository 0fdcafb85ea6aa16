//! The pipeline from a body to a reply, with the seen cache; the stage behind takes everything at once.

use std::hint::black_box;

use headwater_collector::{Credentials, SeenCache, Sites, Surroundings, decode, inflate};

use crate::requests::NOW;

pub(crate) const BATCH: &str = "collector's verbs, per event of 50";
pub(crate) const ONE: &str = "collector's verbs, one event a request";

pub(crate) struct Verbs {
    sites: Sites,
    seen: SeenCache,
}

impl Verbs {
    pub(crate) fn new() -> Self {
        Self { sites: Sites::open(), seen: SeenCache::default() }
    }

    pub(crate) fn carry(&mut self, body: &[u8]) {
        let ip = Some([203, 0, 113, 77].into());
        let text = inflate(black_box(body)).expect("text");
        let mut forwarding = decode(&text)
            .and_then(|decoded| decoded.authorise(&self.sites, &Credentials::default()))
            .and_then(|authorised| authorised.admit(NOW))
            .expect("a good request")
            .look_up(|stream, seq| self.seen.contains(stream, seq))
            .enrich(Surroundings { ip, ..Surroundings::default() })
            .forward();
        black_box(forwarding.take_records());
        let answered = forwarding.answered(Ok(()));
        self.seen.mark(answered.marks());
        let mut reply = answered.reply();
        reply.set_time(NOW);
        assert_eq!(black_box(reply).status, 204);
    }
}
