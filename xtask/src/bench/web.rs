//! The browser SDK in a real Chromium, in one run with an empty page, a bare localStorage write, one with its share of a
//! bare request, and other SDKs: whatever the machine does, it does to all of them. `tests/e2e/bench/web.mjs` takes
//! the samples; here they become figures.

mod figures;
mod peers;
mod samples;
mod split;
mod table;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::json;

use self::figures::Base;
use self::peers::Peer;
use self::samples::Samples;
use self::table::Table;
use super::{bundle, machine};
use crate::steps::Steps;
use crate::{outdated, setup};

/// What ours is called among the subjects.
const OURS: &str = "headwater";

pub(super) fn run(root: &Path, with: &[String], seconds: u64, mut steps: Steps) -> Result<()> {
    // A name that is not known is said before anything is built.
    let known = peers::known(root)?;
    let wanted = with.iter().map(|asked| peers::parse(asked, &known)).collect::<Result<Vec<_>>>()?;
    let measured = measure(root, &wanted, seconds, &mut steps);
    steps.print();
    let (samples, peers) = measured?;
    print(root, &samples, &peers)
}

fn measure(
    root: &Path,
    wanted: &[peers::Wanted],
    seconds: u64,
    steps: &mut Steps,
) -> Result<(Samples, Vec<Peer>)> {
    steps.must("set up", || setup::for_web(root))?;
    steps.must("build @headwater/web", || outdated::build_web(root))?;
    let chromium = steps.must("set up Chromium", || setup::for_chromium(root))?;
    let folder = tempfile::tempdir()?;
    let mut peers = Vec::new();
    for one in wanted {
        peers.push(steps.must(&format!("bundle {}", one.name), || one.bundle(root, folder.path()))?);
    }
    let samples = steps.must("measure in Chromium", || sample(root, &chromium, &peers, seconds))?;
    Ok((samples, peers))
}

fn sample(root: &Path, chromium: &Path, peers: &[Peer], seconds: u64) -> Result<Samples> {
    let subjects: Vec<_> = peers
        .iter()
        .map(|peer| json!({"name": peer.name, "folder": peer.script.parent(), "file": peer.script.file_name().and_then(|name| name.to_str())}))
        .collect();
    let job = json!({"seconds": seconds, "dist": root.join("sdk-web/dist"), "peers": subjects});
    let output = Command::new("node")
        .arg(root.join("tests/e2e/bench/web.mjs"))
        .arg(job.to_string())
        .env("HEADWATER_CHROMIUM", chromium)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("node")?;
    if !output.status.success() {
        bail!("tests/e2e/bench/web.mjs: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("not samples: {last:.200}"))
}

fn print(root: &Path, samples: &Samples, peers: &[Peer]) -> Result<()> {
    println!(
        "\n{}; {}; shared by page, collector and this program",
        machine::Machine::here(),
        samples.chromium
    );
    let base = Base::new(samples)?;
    let mut table = Table::default();
    table.add(figures::EMPTY, base.of_empty());
    table.add(figures::BARE, base.of_bare());
    table.add(figures::FLOOR, base.of_floor());
    for (name, subject) in &samples.subjects {
        let sizes = if let Some(peer) = peers.iter().find(|peer| peer.name == *name) {
            [bundle::sizes(&[&peer.script])?; 2]
        } else if name == OURS {
            own_sizes(root, &subject.files)?
        } else {
            continue;
        };
        table.add(name, base.of_sdk(subject, sizes));
    }
    println!("\nwhat was measured with headwater:");
    for peer in peers {
        println!("  {}@{}", peer.name, peer.version);
    }
    for (name, subject) in &samples.subjects {
        if !subject.outside.is_empty() {
            println!("  {name} asked for {}; nothing left this machine", subject.outside.join(", "));
        }
    }
    split::print(samples);
    table.print();
    println!("\n{}", table.json());
    if !samples.failed.is_empty() {
        bail!("not measured:\n  {}", samples.failed.join("\n  "));
    }
    Ok(())
}

/// What runs before the first durable event, and all that a page loads; each file is shown.
fn own_sizes(root: &Path, files: &[String]) -> Result<[[u64; 3]; 2]> {
    let folder = root.join("sdk-web/dist");
    let mut all = [0; 3];
    let mut script = all;
    println!("\nfiles of headwater that a page loads, bytes: {}", bundle::KINDS.join(", "));
    for file in files {
        let sizes = bundle::sizes(&[folder.join(file)])?;
        println!("  {file:<24} {:>8} {:>8} {:>8}", sizes[0], sizes[1], sizes[2]);
        all = [all[0] + sizes[0], all[1] + sizes[1], all[2] + sizes[2]];
        if file == "headwater.iife.js" {
            script = sizes;
        }
    }
    Ok([script, all])
}
