//! A sender whose SDK is broken: a stream with more gaps than the last stage keeps.

use std::fmt::Write as _;

use fastrand::Rng;
use headwater_core::seen::MAX_RANGES;
use headwater_schema::Uuid;

use super::{
    EPOCH, World,
    network::{Message, Way},
};
use crate::oracle::Body;

/// The second request comes so much later, ms.
const LATER_MS: u64 = 5_000;

impl World<'_> {
    /// Sends every second event of a stream in one request, and later the first of the others.
    pub(super) fn send_gaps(&mut self, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let stream = Uuid::from_u128(rng.u128(..));
        let ranges = u32::try_from(MAX_RANGES).expect("1,024") + rng.u32(1..40);
        let header =
            format!("\"stream\":\"{stream}\",\"client_id\":\"gaps\",\"user_id\":null,\"context\":{{}}");
        self.oracle.opened(stream.as_u128(), &header);
        self.oracle.left(stream.as_u128());
        let head = 2 * ranges;
        let even: Vec<u32> = (0..ranges).map(|n| 2 * n).collect();
        let odd: Vec<u32> = (0..rng.u32(1..100)).map(|n| 2 * n + 1).chain([head - 1]).collect();
        for (seqs, late) in [(even, 0), (odd, LATER_MS)] {
            let mut events = String::new();
            for seq in seqs {
                let ts = EPOCH + self.now;
                let body = format!("\"ts\":{ts},\"type\":\"custom\"}}");
                let comma = if events.is_empty() { "" } else { "," };
                _ = write!(events, "{comma}{{\"seq\":{seq},{body}");
                let body = Body::new(body.into_bytes().into(), false);
                self.oracle.accepted(stream.as_u128(), seq, ts, ts, body);
            }
            let text = format!(
                "{{\"v\":1,\"site_id\":\"{}\",\"sent_at\":{},\"batches\":[{{{header},\"at\":[0,{head}],\"events\":[{events}]}}]}}",
                self.shell_setup.site,
                EPOCH + self.now
            );
            let arrives = Message::Arrives { edge: 0, text: text.into_bytes(), way: Way::nowhere() };
            self.queue.push(self.now + late + 1, arrives);
        }
    }
}
