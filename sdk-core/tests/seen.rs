//! What the rule of de-duplication costs.

use headwater_core::seen::{Admission, MAX_RANGES, Seen};

#[test]
fn a_closed_range_costs_a_forger_an_event_that_is_counted() {
    for step in [2, 3, 1_000] {
        let mut seen = Seen::new();
        let mut fresh = 0;
        for n in 0..20_000u32 {
            fresh += u64::from(seen.admit(n * step) == Admission::Fresh);
            let closed = seen.closed().count();
            assert!(seen.settled().len() <= MAX_RANGES);
            assert!(closed as u64 <= fresh, "{closed} ranges for {fresh} events");
        }
        assert_eq!(seen.counted(), fresh);
        assert_eq!(seen.closed().count(), 20_000 - MAX_RANGES);
    }
}

#[test]
fn whatever_order_a_forger_takes_he_pays_for_each_range() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut seen = Seen::new();
    let mut fresh = 0u64;
    for _ in 0..50_000 {
        fresh += u64::from(seen.admit(random.u32(..200_000)) == Admission::Fresh);
        assert!(seen.closed().count() as u64 <= fresh);
    }
    assert_eq!(seen.counted(), fresh);
}
