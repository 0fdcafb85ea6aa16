//! Every event that was accepted is counted exactly once or named, whatever happens in between.

use std::panic::catch_unwind;

use headwater_core::client::{Input, Limits};

use crate::{server::Server, world::World};

/// Seeds in the edit loop; `HEADWATER_SEEDS=100000` for a soak.
const SEEDS: u64 = 500;

#[test]
fn every_accepted_event_is_counted_once_or_named_whatever_fails() {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let seeds = match number("HEADWATER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HEADWATER_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        assert!(catch_unwind(|| run(seed)).is_ok(), "run again with HEADWATER_SEED={seed}");
    }
}

fn run(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let queue_bytes = if rng.bool() { 2_000 } else { 200_000 };
    // Without locks a page may take a living page's stream for a dead one's.
    let locks = rng.bool();
    let takes = rng.u8(..) < 64;
    let mut world = World::new(seed, Limits { queue_bytes, ..Limits::default() });
    let adopts = move |world: &World, uuid| if locks { !world.is_owned(uuid) } else { true };
    world.open_page(adopts);
    for _ in 0..rng.u32(10..120) {
        let living: Vec<usize> = (0..world.pages.len()).filter(|&at| !world.pages[at].dead).collect();
        let Some(&at) = rng.choice(&living) else {
            world.open_page(adopts);
            continue;
        };
        match rng.u32(0..24) {
            0..8 => (0..rng.u32(1..30)).for_each(|_| world.append(at)),
            8 => world.tell(at, Input::Hidden),
            9 => world.tell(at, Input::Visible),
            10 => world.tell(at, Input::Flush),
            11 => world.tell(at, Input::Online(rng.bool())),
            12 => {
                world.tell(at, Input::Terminating);
                world.pages[at].dead = true;
            }
            13 | 14 => world.pages[at].dies_in = Some(rng.u32(1..20)),
            15 if living.len() < 4 => _ = world.open_page(adopts),
            16 => world.open_stream(at),
            17 => world.tell(at, Input::Reset),
            18 if rng.u8(..) < 40 => world.decide(false),
            19 if world.denied => world.decide(true),
            20 if takes => world.take_from_storage(),
            _ => {
                let longest = [1_000, 10_000, 2_000_000][rng.usize(0..3)];
                let end = world.now + rng.u64(0..longest);
                while world.step(end) {}
            }
        }
    }

    world.calm = true;
    for page in &mut world.pages {
        page.dead = true;
    }
    world.open_page(|_, _| true);
    let mut steps = 0;
    while world.step(u64::MAX) {
        steps += 1;
        assert!(steps < 10_000, "it never ends");
    }
    check(&world);
}

fn check(world: &World) {
    for &(uuid, seq) in &world.accepted {
        let books = world.server.streams.get(&uuid);
        let unknowable = world.taken.contains(&(uuid, seq));
        assert!(
            unknowable || books.is_some_and(|b| b.knows(seq)),
            "event {seq} of stream {uuid} is neither counted nor named"
        );
    }
    for (&uuid, books) in &world.server.streams {
        let named_end = books.named.last_key_value().map_or(0, |(seq, _)| seq + 1);
        let known = books.head.max(books.seen.end()).max(named_end);
        // Every stream was ended here, and after its end the last stage calls vanished what is still missing.
        let lost: Vec<u32> = (0..known).filter(|&seq| !books.seen.contains(seq)).collect();
        assert_eq!(u64::from(known), books.seen.counted() + lost.len() as u64, "stream {uuid} adds up");
        for (&seq, &times) in &books.counted {
            assert!(
                times == 1 && world.accepted.contains(&(uuid, seq)),
                "event {seq} of stream {uuid}: {times}"
            );
            assert!(!Server::is_poison(uuid, seq));
        }
        for seq in lost {
            let taken = world.taken.contains(&(uuid, seq));
            assert!(
                taken || books.named.contains_key(&seq),
                "event {seq} of stream {uuid} is in flight for ever"
            );
            assert!(
                taken || world.given_up.contains(&(uuid, seq)),
                "nobody gave up event {seq} of stream {uuid}: {}",
                books.named[&seq]
            );
        }
    }
    let left: Vec<_> = world.storage.keys().filter(|&&uuid| !world.is_owned(uuid)).collect();
    assert!(left.is_empty(), "dead streams are left: {left:?}");
}
