//! Where a record goes.
//!
//! The partition of a key is what Kafka's Java clients compute for it: murmur2 with Kafka's seed, made positive, modulo
//! the number of partitions (`BuiltInPartitioner.partitionForKey`; librdkafka's own default is CRC-32, its
//! `murmur2_random` is the same as here). So a topic that another producer writes, or that Kafka Streams joins, has each
//! client where the bridge has it.

use murmur2::{KAFKA_SEED, murmur2};

use crate::hot::Hot;

/// Numbers of a stream that a hot client keeps together in one partition.
pub const CHUNK: u32 = 1024;

/// The hash of a key: 32 bits, stable for ever, as topics outlive programs.
#[must_use]
pub fn hash(key: &[u8]) -> u32 {
    murmur2(key, KAFKA_SEED)
}

/// The partition of a hash among `partitions`, at least 1.
#[must_use]
pub fn partition(hash: u32, partitions: u32) -> u32 {
    (hash & 0x7fff_ffff) % partitions.max(1)
}

/// The hash of a chunk of a hot client: with it, the client's records spread, and a retry of the same record mostly
/// finds the same partition. Where it does not, the consumer, which keys by (site, stream) first, finds the copy.
#[must_use]
pub fn salted(client: u32, seq: u32) -> u32 {
    murmur2(&(seq / CHUNK).to_le_bytes(), client)
}

#[derive(Debug)]
pub(crate) struct Partitioner {
    partitions: u32,
    hot: Hot,
}

impl Partitioner {
    pub(crate) fn new(partitions: u32, hot: Hot) -> Self {
        Self { partitions: partitions.max(1), hot }
    }

    /// The topic has so many partitions now. Keys move; their order over that moment is not kept.
    pub(crate) fn grow(&mut self, partitions: u32) {
        self.partitions = partitions.max(1);
    }

    /// Where a record of this key goes. Without a number there is nothing to salt with that a retry would repeat, so
    /// ledger records and events of third parties stay in the partition of their key.
    pub(crate) fn of(&mut self, now: u64, key: &[u8], seq: Option<u32>) -> u32 {
        let client = hash(key);
        let hash = match seq {
            Some(seq) if self.hot.note(now, client) => salted(client, seq),
            _ => client,
        };
        partition(hash, self.partitions)
    }

    /// Where the records of a spool's lane go: lane and partition are the same, unless the topic was made anew with
    /// fewer partitions.
    pub(crate) fn of_lane(&self, lane: u32) -> u32 {
        lane % self.partitions
    }

    pub(crate) fn hot_clients(&self) -> usize {
        self.hot.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of Kafka's own clients (`UtilsTest.testMurmur2`).
    #[test]
    fn the_hash_is_that_of_kafkas_java_clients() {
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, expected) in known {
            assert_eq!(hash(key.as_bytes()).cast_signed(), expected, "{key}");
            assert!(partition(hash(key.as_bytes()), 64) < 64);
        }
    }

    #[test]
    fn a_hot_client_spreads_by_chunks_and_a_copy_finds_its_chunk_again() {
        let mut partitioner = Partitioner::new(64, Hot::new(100, 1000));
        let home = partition(hash(b"client"), 64);
        assert!(
            (0..1000).all(|seq| partitioner.of(0, b"client", Some(seq)) == home),
            "not known to be hot yet"
        );
        let seqs = 1000..21_000;
        let spread: Vec<u32> = seqs.map(|seq| partitioner.of(1000, b"client", Some(seq))).collect();
        let mut distinct = spread.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 10, "{distinct:?}");
        assert_eq!(spread[48], spread[1047], "one chunk");
        assert_eq!(partitioner.of(1500, b"client", Some(1048)), spread[48]);
        assert_eq!(partitioner.of(1500, b"client", None), home, "its ledger");
        assert_eq!(partitioner.of(1500, b"other", Some(1)), partition(hash(b"other"), 64));
    }
}
