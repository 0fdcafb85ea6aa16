//! From a clone to a dashboard: set-up, build, `headwater serve`, the example shop, and a proof on request.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use headwater_rig::stop;

use crate::replay::{self, Order, Table};
use crate::server::{self, Profile, Server};
use crate::static_files::{self, Site};
use crate::steps::Steps;
use crate::{outdated, process, setup};

/// The site of the shop.
const SHOP: &str = "web-shop";

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct Arguments {
    /// Send a public clickstream of 31,106 events and compare every total with an independent count
    #[arg(long)]
    replay: bool,
    /// Send every batch of the replay twice
    #[arg(long, requires = "replay")]
    twice: bool,
    /// Send the batches of the replay in a random order
    #[arg(long, requires = "replay")]
    shuffle: bool,
    /// The seed of --shuffle
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let a real Chromium shop for half a minute
    #[arg(long)]
    drive: bool,
    /// Go on serving after --replay and --drive are done, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// The port of Headwater; the shop gets the next one. Without it 8080, or free ones
    #[arg(long)]
    port: Option<u16>,
    /// Put the collector, the bridge and a real Kafka broker between browser and store (always with an empty store)
    #[arg(long)]
    kafka: bool,
    /// Begin with an empty store (a replay always does)
    #[arg(long)]
    fresh: bool,
}

impl Arguments {
    /// Whether the shop is part of this run.
    fn shop(&self) -> bool {
        self.drive || self.keep || !self.replay
    }

    /// The folder of the store.
    fn store(&self) -> &'static str {
        match (self.kafka, self.replay) {
            (true, _) => "kafka",
            (false, true) => "replay",
            (false, false) => "demo",
        }
    }

    fn ends_by_itself(&self) -> bool {
        (self.replay || self.drive) && !self.keep
    }
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new();
    let result = demo(root, arguments, &mut steps);
    steps.print();
    if let Some(table) = result? {
        table.print();
        table.verdict()?;
    }
    Ok(())
}

fn demo(root: &Path, arguments: &Arguments, steps: &mut Steps) -> Result<Option<Table>> {
    steps.must("set up", || setup::for_server(root))?;
    if arguments.shop() {
        steps.must("set up web tools", || setup::for_web(root))?;
        steps.must("build @headwater/web", || outdated::build_web(root))?;
    }
    let chromium =
        arguments.drive.then(|| steps.must("set up Chromium", || setup::for_chromium(root))).transpose()?;
    let start = build(root, arguments, steps)?;

    stop::listen()?;
    let data = root.join("data").join(arguments.store());
    if (arguments.fresh || arguments.replay || arguments.kafka) && data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot empty {}", data.display()))?;
    }
    let (port, shop_port) = ports(arguments.port)?;
    let mut server = steps.must("start headwater", || start(&data, port))?;
    let result = show(root, arguments, steps, &mut server, shop_port, chromium.as_deref());
    steps.must("stop headwater", || server.stop()).and(result)
}

/// What starts a server with its data in a folder, the collector on a port.
type Start = Box<dyn FnOnce(&Path, u16) -> Result<Server>>;

fn build(root: &Path, arguments: &Arguments, steps: &mut Steps) -> Result<Start> {
    if !arguments.kafka {
        let program = steps.must("build headwater", || {
            println!("  the first time this takes 2 to 5 minutes");
            server::build(root, Profile::Dev)
        })?;
        return Ok(Box::new(move |data, port| Server::start(&program, data, port)));
    }
    let kafka = steps.must("set up Kafka", setup::for_kafka)?;
    let programs = steps.must("build headwater, headwater-bridge and headwater-collector", || {
        println!("  the first time this takes 4 to 8 minutes: librdkafka is compiled, too");
        server::build_chain(root)
    })?;
    Ok(Box::new(move |data, port| Server::through_kafka(kafka, &programs, data, port)))
}

/// What happens while the server runs.
fn show(
    root: &Path,
    arguments: &Arguments,
    steps: &mut Steps,
    server: &mut Server,
    shop_port: u16,
    chromium: Option<&Path>,
) -> Result<Option<Table>> {
    let (mut shop, mut table) = (None, None);
    if arguments.shop() {
        let address = static_files::serve(shop_files(root, &server.collector_url()), shop_port)?;
        println!("\n  shop       {address}/");
        println!("  dashboard  {}/?site={SHOP}\n", server.api_url());
        shop = Some(address);
    }
    if arguments.replay {
        let (api, site, day) = (server.api_url(), replay::SITE, replay::LAST_DAY);
        println!("\n  dashboard  {api}/?site={site}&until={day}\n");
        let shuffled = arguments.shuffle.then_some(arguments.seed);
        let order = Order { twice: arguments.twice, shuffled, again: false };
        table = Some(steps.must("replay", || replay::run(root, server, order))?);
    }
    if let (Some(chromium), Some(shop)) = (chromium, &shop) {
        steps.must("drive", || drive(root, chromium, shop, &server.api_url()))?;
    }
    if arguments.ends_by_itself() {
        return Ok(table);
    }
    if let Some(table) = &table {
        table.print();
    }
    println!("  Ctrl-C stops all.");
    while !stop::asked() {
        server.check()?;
        thread::sleep(Duration::from_millis(200));
    }
    println!("\n  stopping: headwater writes what waits");
    Ok(table)
}

fn shop_files(root: &Path, collector: &str) -> Site {
    let pages = root.join("examples/web-shop");
    Site {
        folders: vec![("/headwater/", root.join("sdk-web/dist")), ("/", pages.clone())],
        made: BTreeMap::from([(
            "/config.js",
            format!("export const site = \"{SHOP}\";\nexport const endpoint = \"{collector}\";\n"),
        )]),
        fallback: ("/shop/", pages.join("shop/index.html")),
    }
}

fn drive(root: &Path, chromium: &Path, shop: &str, headwater: &str) -> Result<()> {
    process::run(
        Command::new("node")
            .arg(root.join("examples/web-shop/drive.mjs"))
            .args(["--shop", shop, "--headwater", headwater, "--site", SHOP, "--chromium"])
            .arg(PathBuf::from(chromium))
            .current_dir(root),
    )
}

/// The ports of Headwater and the shop: as asked, or 8080 and 8081, or 0 (the system chooses) where those are taken.
fn ports(asked: Option<u16>) -> Result<(u16, u16)> {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let usual = |port: u16| if is_free(port) { port } else { 0 };
    match asked {
        None => Ok((usual(8080), usual(8081))),
        Some(0) => Ok((0, 0)),
        Some(port) if !is_free(port) => bail!("port {port} is taken: choose another --port"),
        Some(port) => Ok((port, port.checked_add(1).filter(|next| is_free(*next)).unwrap_or(0))),
    }
}
