//! Remote settings, and which calls they refuse.

use headwater_core::{
    client::{Effect, Input, Limits, Settings},
    refusal::Refusal,
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

const DAY: u64 = 24 * 60 * 60 * 1_000;

#[test]
fn settings_of_an_answer_are_kept_once_and_those_of_others_are_not_kept_again() {
    let mut page = Page::new();
    let settings = Settings { flush_ms: 2_000, ..Settings::default() };
    assert_eq!(page.tell(Input::Settings(Settings::default())), [], "nothing new");
    assert_eq!(page.tell(Input::Settings(settings)), [Effect::SaveSettings(settings)]);
    assert_eq!(page.tell(Input::Settings(settings)), []);
    let mut other = Page::new();
    assert_eq!(other.tell(Input::SettingsChanged(settings)), []);
    assert_eq!(other.tell(Input::Settings(settings)), [], "they are kept already");
    other.append(1, 10);
    other.wait(999);
    assert!(other.sent().is_empty());
    other.wait(1);
    other.only_sent();
    other.append(1, 10);
    other.wait(1_998);
    assert!(other.sent().is_empty(), "the whole interval after a request");
    other.wait(1);
    other.only_sent();
}

#[test]
fn the_wait_is_clamped_to_a_tenth_of_a_second_and_a_minute_and_zero_gives_it_back() {
    for (set, wait) in [(1, 99), (100, 99), (3_000, 2_999), (u32::MAX, 59_999), (0, 999)] {
        let mut page = Page::new();
        page.append(1, 10);
        page.tell(Input::MemoryPressure);
        page.only_sent();
        page.tell(Input::Settings(Settings { flush_ms: 777, ..Settings::default() }));
        page.tell(Input::Settings(Settings { flush_ms: set, ..Settings::default() }));
        page.append(1, 10);
        let at = page.client.poll_timeout().expect("a flush").0;
        assert_eq!(at - page.now, wait, "{set}");
    }
}

#[test]
fn the_queue_is_made_smaller_at_most_to_an_eighth_and_never_larger() {
    for (set, bytes) in [(1, 1_000), (1_000, 1_000), (4_000, 4_000), (u32::MAX, 8_000), (0, 8_000)] {
        let mut page = Page::with(Limits { queue_bytes: 8_000, ..Limits::default() });
        page.tell(Input::Settings(Settings { queue_bytes: 2_222, ..Settings::default() }));
        page.tell(Input::Settings(Settings { queue_bytes: set, ..Settings::default() }));
        page.tell(Input::Online(false));
        let is_full = |page: &mut Page| page.append(1, 10).iter().any(|e| matches!(e, Effect::Record { .. }));
        let held = (1..1_000).find(|_| is_full(&mut page));
        assert_eq!(held, Some(bytes / 10 + 1), "{set}");
    }
}

#[test]
fn a_shell_that_finds_another_room_sets_the_limit_and_what_settings_make_of_it() {
    let held = |before: &[Input], after: &[Input]| {
        let mut page = Page::with(Limits { queue_bytes: 1_000, ..Limits::default() });
        page.tell(Input::Online(false));
        for &input in before {
            page.tell(input);
        }
        let is_full = |page: &mut Page| page.append(1, 10).iter().any(|e| matches!(e, Effect::Record { .. }));
        let few = (1..50).find(|_| is_full(&mut page));
        for &input in after {
            page.tell(input);
        }
        few.or_else(|| (50..10_000).find(|_| is_full(&mut page)))
    };
    let set = |queue_bytes| Input::Settings(Settings { queue_bytes, ..Settings::default() });
    let room = |bytes| Input::Room { bytes };
    assert_eq!(held(&[], &[]), Some(101));
    assert_eq!(held(&[room(8_000)], &[]), Some(801));
    assert_eq!(held(&[set(1), room(8_000)], &[]), Some(101), "an eighth of the new");
    assert_eq!(held(&[room(8_000), set(4_000)], &[]), Some(401));
    assert_eq!(held(&[room(8_000)], &[room(200)]), Some(50), "the oldest go at the next call");
    assert_eq!(held(&[room(80)], &[]), Some(9));
}

#[test]
fn a_stop_refuses_every_call_for_its_time_and_what_is_held_is_sent() {
    let mut page = Page::new();
    page.append(1, 10);
    let settings = Settings { stop_ms: 60_000, ..Settings::default() };
    let until = UnixMs(EPOCH + page.now + 60_000);
    assert_eq!(
        page.tell(Input::Settings(settings)),
        [Effect::SaveSettings(settings), refuse(Refusal::Stopped, until)]
    );
    page.wait(59_999);
    assert_eq!(page.only_sent().seqs, [0]);
    let effects = page.wait(1);
    assert!(accepts(&effects), "{effects:?}");
}

#[test]
fn a_stop_lasts_a_day_at_most() {
    let mut page = Page::new();
    let effects = page.tell(Input::Settings(Settings { stop_ms: u32::MAX, ..Settings::default() }));
    assert_eq!(effects[1], refuse(Refusal::Stopped, UnixMs(EPOCH + DAY)));
}

#[test]
fn hearing_of_a_stop_again_does_not_prolong_it_but_begins_it_anew_when_it_is_over() {
    let mut page = Page::new();
    let settings = Settings { stop_ms: 10_000, ..Settings::default() };
    page.tell(Input::Settings(settings));
    page.wait(5_000);
    assert_eq!(page.tell(Input::Settings(settings)), []);
    assert!(accepts(&page.wait(5_000)));
    let until = UnixMs(EPOCH + page.now + 10_000);
    assert_eq!(page.tell(Input::Settings(settings)), [refuse(Refusal::Stopped, until)]);
}

#[test]
fn a_stop_is_taken_back_and_is_heard_of_from_other_tabs() {
    let mut page = Page::new();
    page.tell(Input::SettingsChanged(Settings { stop_ms: 10_000, ..Settings::default() }));
    let effects = page.tell(Input::Settings(Settings::default()));
    assert_eq!(effects[0], Effect::SaveSettings(Settings::default()));
    assert!(accepts(&effects[1..]), "{effects:?}");
}

#[test]
fn the_sample_is_uniform_and_a_larger_one_holds_the_smaller() {
    let mut random = fastrand::Rng::with_seed(7);
    let draws: Vec<u32> = (0..20_000).map(|_| random.u32(..)).collect();
    let mut before = vec![false; draws.len()];
    for sample in [0, 1, 100, 2_500, 5_000, 9_999, 10_000, u32::MAX] {
        let kept: Vec<bool> = draws.iter().map(|&draw| is_kept(draw, sample)).collect();
        assert!(before.iter().zip(&kept).all(|(before, now)| !before || *now), "{sample}: nobody is lost");
        // Of 20,000, to within 240: more than three standard deviations.
        let count = kept.iter().filter(|kept| **kept).count();
        assert!(count.abs_diff(2 * sample.min(10_000) as usize) < 240, "{sample}: {count}");
        before = kept;
    }
    assert!(before.iter().all(|kept| *kept));
    for (draw, sample, kept) in
        [(0, 1, true), (u32::MAX, 9_999, false), (0, 0, false), (u32::MAX, 10_000, true)]
    {
        assert_eq!(is_kept(draw, sample), kept, "{draw} of {sample}");
    }
}

#[test]
fn a_visitor_outside_the_sample_is_told_so_again_each_day() {
    let mut page = Page::new();
    page.tell(Input::Visitor { draw: u32::MAX });
    let settings = Settings { sample: 1, ..Settings::default() };
    let effects = page.tell(Input::Settings(settings));
    assert_eq!(effects[1], refuse(Refusal::Sampled, UnixMs(EPOCH + DAY)));
    assert_eq!(page.wait(DAY - 1), []);
    assert_eq!(page.wait(1), [refuse(Refusal::Sampled, UnixMs(EPOCH + 2 * DAY))]);
    // The next client id is another draw.
    assert!(accepts(&page.tell(Input::Visitor { draw: 0 })));
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn beyond_the_cap_calls_are_refused_until_the_minute_is_over() {
    let mut page = Page::new();
    page.tell(Input::Settings(Settings { calls_per_minute: 3, ..Settings::default() }));
    page.wait(1_000);
    assert!(!judges(&page.append(2, 10)));
    let until = UnixMs(EPOCH + 1_001 + 60_000);
    assert!(page.append(1, 10).contains(&refuse(Refusal::RateCap, until)));
    assert!(!judges(&page.append(1, 10)), "a call in between is served, and nothing new is said");
    assert!(!accepts(&page.wait(60_000 - 4)));
    assert!(accepts(&page.wait(1)));
    assert!(!judges(&page.append(2, 10)), "a new minute");
    assert!(judges(&page.append(1, 10)));
}

#[test]
fn the_minute_of_the_cap_is_not_the_wall_clocks() {
    let mut page = Page::new();
    page.tell(Input::Settings(Settings { calls_per_minute: 1, ..Settings::default() }));
    page.append(1, 10);
    let later = UnixMs(EPOCH + 100 * DAY);
    page.client.handle(headwater_core::time::Instant(page.now + 1), later, Input::Flush);
    assert!(!judges(&std::iter::from_fn(|| page.client.poll()).collect::<Vec<_>>()));
}

#[test]
fn a_stop_hides_the_sample_and_the_sample_hides_the_cap() {
    let mut page = Page::new();
    page.tell(Input::Visitor { draw: u32::MAX });
    let all = Settings { sample: 1, calls_per_minute: 1, stop_ms: 1_000, ..Settings::default() };
    let effects = page.tell(Input::Settings(all));
    assert!(matches!(effects[1], Effect::Refuse { verdict: Refusal::Stopped, .. }));
    page.append(1, 10);
    let effects = page.wait(1_000);
    assert!(effects.contains(&refuse(Refusal::Sampled, UnixMs(EPOCH + 1_000 + DAY))), "{effects:?}");
    let effects = page.tell(Input::Settings(Settings { sample: 10_000, stop_ms: 0, ..all }));
    assert!(matches!(effects[1], Effect::Refuse { verdict: Refusal::RateCap, .. }), "{effects:?}");
}

#[test]
fn a_site_that_is_gone_stays_gone_whatever_settings_say() {
    let mut page = Page::new();
    page.append(1, 10);
    page.wait(500);
    let sent = page.only_sent();
    assert_eq!(page.answer(&sent, 410, Some(0))[0], refuse(Refusal::Stopped, UnixMs(u64::MAX)));
    for settings in [Settings { stop_ms: 1_000, ..Settings::default() }, Settings::default()] {
        let effects = page.tell(Input::Settings(settings));
        assert!(!judges(&effects), "{effects:?}");
        assert_eq!(page.wait(DAY), []);
    }
}

#[test]
fn streams_that_are_opened_nevertheless_are_served() {
    let mut page = Page::new();
    page.tell(Input::Settings(Settings { sample: 0, stop_ms: 10_000, ..Settings::default() }));
    page.append(2, 10);
    page.wait(500);
    let sent = page.only_sent();
    assert!(page.settle(&sent).contains(&Effect::Forget { stream: OWN, from: 0, to: 2 }));
}

fn is_kept(draw: u32, sample: u32) -> bool {
    let mut page = Page::new();
    page.tell(Input::Visitor { draw });
    let effects = page.tell(Input::SettingsChanged(Settings { sample, ..Settings::default() }));
    !effects.iter().any(|e| matches!(e, Effect::Refuse { verdict: Refusal::Sampled, .. }))
}

fn refuse(verdict: Refusal, until: UnixMs) -> Effect {
    Effect::Refuse { verdict, until }
}

/// Whether calls are refused otherwise than before.
fn judges(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Accept | Effect::Refuse { .. }))
}

fn accepts(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Accept)
}
