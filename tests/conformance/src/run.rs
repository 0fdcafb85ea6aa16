//! Does the steps of a scenario.

use headwater_core::client::Purpose;
use headwater_test_shell::{Call, Event, EventKind, Happening, Props, Text};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    expect,
    pattern::name_of,
    scenario::{Decision, OrText, Step},
    verbs::{self, DeviceName},
    world::World,
};

/// Does one step.
pub(crate) fn step(world: &mut World, purposes: &[String], step: &Step) -> Result<(), String> {
    match step {
        Step::Alias(call) => calls(world, &call.0, |name| Call::Alias(name.into())),
        Step::Answer(answer) => {
            let ack = answer.ack(world.sent(&answer.request)?);
            if answer.status < 300 && ack == Some(world.sent(&answer.request)?) {
                world.arrive(&answer.request, &answer.reject)?;
            }
            world.end(&answer.request, Some(answer))
        }
        Step::ClearStorage(on) => {
            world.device(&on.0.device).clear();
            Ok(())
        }
        Step::Clock(ms) => {
            world.jump(*ms);
            Ok(())
        }
        Step::Consent(OrText(consent)) => {
            let purpose = purpose(purposes, consent.purpose.as_deref())?;
            let call = Call::Consent(purpose, consent.decision.into());
            world.with(&consent.page, |shell, disk, now| shell.call(disk, now, &call))?;
            if consent.decision == Decision::Denied { world.adopt_by(&consent.page) } else { Ok(()) }
        }
        Step::Exposure(call) => {
            let variant = call.variant.clone().ok_or("an exposure has a variant")?;
            calls(world, call, |name| Call::Exposure(name.into(), variant.clone().into()))
        }
        Step::Flush(on) => {
            world.with(&on.0.page, |shell, disk, now| shell.call(disk, now, &Call::Flush)).map(drop)
        }
        Step::Fork(fork) => world.fork(&fork.page, &fork.child),
        Step::Group(call) => calls(world, &call.0, |name| Call::Group(name.into(), props(&call.0.props))),
        Step::Hide(on) => world.tell(&on.0.page, Happening::Hidden),
        Step::Identify(call) => {
            calls(world, &call.0, |name| Call::Identify(name.into(), props(&call.0.props)))
        }
        Step::Kill(on) => world.with(&on.0.page, |shell, _, _| shell.kill()),
        Step::Leave(on) => world.tell(&on.0.page, Happening::Terminating),
        Step::Lose(names) => names.iter().try_for_each(|name| world.end(name, None)),
        Step::LoseAnswer(names) => names.iter().try_for_each(|name| {
            world.arrive(name, &[])?;
            world.end(name, None)
        }),
        Step::MemoryPressure(on) => world.tell(&on.0.page, Happening::MemoryPressure),
        Step::Offline(on) => world.tell(&on.0.page, Happening::Online(false)),
        Step::Online(on) => world.tell(&on.0.page, Happening::Online(true)),
        Step::Open(open) => world.open(&open.0.page, &open.0.device),
        Step::PageView(call) => events(world, purposes, &call.0, EventKind::Page),
        Step::Register(registered) => {
            for (name, value) in props(&registered.props) {
                let call = Call::Register(name, value);
                world.with(&registered.page, |shell, disk, now| shell.call(disk, now, &call))?;
            }
            Ok(())
        }
        Step::Requests(expected) => expect::requests(world, expected),
        Step::Reset(on) => {
            world.with(&on.0.page, |shell, disk, now| shell.call(disk, now, &Call::Reset)).map(drop)
        }
        Step::Restore(saved) => {
            let copy = world.saved.get(&saved.0.name).ok_or("nothing was saved by this name")?.copy();
            *world.device(&saved.0.device) = copy;
            Ok(())
        }
        Step::Return(on) => world.tell(&on.0.page, Happening::Restored),
        Step::Revenue(call) | Step::Screen(OrText(call)) | Step::Track(OrText(call)) => {
            let kind = if matches!(step, Step::Screen(_)) { EventKind::Screen } else { EventKind::Custom };
            events(world, purposes, call, kind)
        }
        Step::Save(saved) => {
            let copy = world.device(&saved.0.device).copy();
            world.saved.insert(saved.0.name.clone(), copy);
            Ok(())
        }
        Step::Server(server) => expect::server(world, server),
        Step::Set(set) => {
            let call = Call::Set(props(&set.set), props(&set.set_once), props(&set.increment));
            world.with(&set.page, |shell, disk, now| shell.call(disk, now, &call)).map(drop)
        }
        Step::Settle(names) => names.iter().try_for_each(|name| settle(world, name)),
        Step::Show(on) => world.tell(&on.0.page, Happening::Visible),
        Step::Storage(storage) => expect::storage(world, storage),
        Step::StorageFull(full) => {
            world.devices.values_mut().for_each(|disk| disk.fill(*full));
            Ok(())
        }
        Step::Take(taken) => take(world, &taken.0.name, &taken.0.device),
        Step::TakeHeader(taken) => {
            let id = world.names.get(&taken.0.stream).ok_or("the stream has no name yet")?;
            let id = Uuid::parse_str(id).map_err(|error| error.to_string())?;
            world.device(&taken.0.device).take_header(id);
            Ok(())
        }
        Step::Torn(call) => torn(world, purposes, &call.0),
        Step::Unregister(call) => calls(world, &call.0, |name| Call::Unregister(name.into())),
        Step::Wait(ms) => world.wait(*ms),
    }
}

fn settle(world: &mut World, name: &str) -> Result<(), String> {
    world.arrive(name, &[])?;
    let answer = verbs::Answer {
        request: name.to_owned(),
        status: 204,
        ack: Some(verbs::Ack::All(verbs::AllOfThem::All)),
        retry_after: None,
        time: None,
        settings: None,
        erase: false,
        reject: Vec::new(),
    };
    world.end(name, Some(&answer))
}

/// Makes a call as often as is written.
fn calls(world: &mut World, call: &verbs::Call, make: impl Fn(String) -> Call) -> Result<(), String> {
    let times = call.times.unwrap_or(1);
    for n in 0..times {
        if n > 0 && call.every > 0 {
            world.wait(call.every)?;
        }
        let name =
            if call.times.is_some() { call.name.replace('#', &n.to_string()) } else { call.name.clone() };
        let one = make(name);
        world.with(&call.page, |shell, disk, now| shell.call(disk, now, &one))?;
    }
    Ok(())
}

fn events(world: &mut World, purposes: &[String], call: &verbs::Call, kind: EventKind) -> Result<(), String> {
    let event = event(purposes, call, kind)?;
    calls(world, call, |name| Call::Event(Event { name: name.into(), ..event.clone() }))
}

fn event(purposes: &[String], call: &verbs::Call, kind: EventKind) -> Result<Event, String> {
    let mut all = props(&call.props);
    if call.pad > 0 {
        all.push(("pad".into(), Value::String("x".repeat(call.pad)).to_string().into()));
    }
    let revenue = match (call.amount, &call.currency) {
        (Some(amount), Some(currency)) => Some((amount, Text::from(currency.clone()))),
        (None, None) => None,
        _ => return Err("an amount has a currency".into()),
    };
    Ok(Event {
        kind,
        name: call.name.clone().into(),
        props: all,
        purpose: purpose(purposes, call.purpose.as_deref())?,
        revenue,
        flaw: None,
    })
}

fn torn(world: &mut World, purposes: &[String], call: &verbs::Call) -> Result<(), String> {
    let made = Call::Event(event(purposes, call, EventKind::Custom)?);
    world.with(&call.page, |shell, disk, now| {
        disk.kill_at(1, 50);
        shell.call(disk, now, &made);
    })
}

fn take(world: &mut World, name: &str, device: &DeviceName) -> Result<(), String> {
    let disk = world.device(device);
    let is_it = |body: &[u8]| expect::event(body).as_ref().and_then(name_of).as_deref() == Some(name);
    let entries = disk.contents().into_iter().find_map(|(stream, found)| {
        found.events.iter().find(|(_, body)| is_it(body)).map(|(seq, _)| (stream, *seq))
    });
    let (stream, seq) = entries.ok_or_else(|| format!("{name} is not in the journal"))?;
    disk.take_event(stream, seq);
    Ok(())
}

fn purpose(purposes: &[String], name: Option<&str>) -> Result<Purpose, String> {
    let Some(name) = name else { return Ok(Purpose::default()) };
    let at = purposes.iter().position(|known| known == name).ok_or_else(|| format!("no purpose {name}"))?;
    Ok(Purpose(u8::try_from(at).expect("few purposes")))
}

fn props(object: &Map<String, Value>) -> Props {
    object.iter().map(|(name, value)| (name.clone().into(), value.to_string().into())).collect()
}
