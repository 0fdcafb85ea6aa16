//! All checks, one after the other: a step that fails shows the end of its log, and the others still run.

mod count;
mod edge;
mod excerpt;
mod kafka;
mod part;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use headwater_rig::{stop, text};

pub(crate) use self::part::Part;
use crate::replay::{self, Order};
use crate::server::{KAFKA, Server};
use crate::setup::browsers::{Browser, Found};
use crate::steps::{Count, Steps};
use crate::wasm::{self, border};
use crate::{checks, process, programs, setup, sim, web};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The edit loop: format, lints, types, unit and property tests
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times
    #[arg(long, value_name = "PART", conflicts_with = "quick")]
    only: Vec<Part>,
}

impl Arguments {
    fn parts(&self) -> &[Part] {
        match (self.quick, &*self.only) {
            (true, _) => &[Part::Source, Part::Unit],
            (false, []) => &Part::ALL,
            (false, only) => only,
        }
    }
}

/// How much of everything.
pub(crate) struct Amount {
    /// `kill -9` of a loaded server.
    pub(crate) crashes: u32,
    /// Seeds of the randomised Chromium scenarios.
    pub(crate) browser_seeds: u64,
    /// Whether browsers other than Chromium, and their pages, are killed twice rather than 20 times.
    pub(crate) brief: bool,
    /// Whether Viceroy is built if it is not there.
    pub(crate) all_hosts: bool,
    /// Cases of each property test; `None` leaves it to the test.
    pub(crate) cases: Option<u32>,
    /// How the clickstream is sent, once each.
    pub(crate) orders: Vec<Order>,
    /// Seeds of the simulator.
    pub(crate) seeds: u64,
    /// How often each fault on the way through Kafka.
    pub(crate) kafka_rounds: u64,
    /// Seconds that a bridge with a spool is without a broker.
    pub(crate) outage_s: u64,
}

impl Amount {
    /// Each fault once or twice.
    fn short() -> Self {
        let order = |twice, shuffled| Order { twice, shuffled, again: false };
        Self {
            crashes: 3,
            browser_seeds: 1,
            brief: true,
            all_hosts: false,
            cases: None,
            orders: vec![order(false, None), order(true, None), order(false, Some(1))],
            seeds: 50_000,
            kafka_rounds: 1,
            outage_s: 60,
        }
    }
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    stop::listen()?;
    let mut run = Run::new(root);
    run.carry_out(arguments.parts(), &Amount::short());
    run.end()
}

/// One run: where the logs lie, and what was done.
pub(crate) struct Run<'a> {
    root: &'a Path,
    logs: PathBuf,
    steps: Steps,
    browsers: Vec<Found>,
    /// What could not be had, for the end of the run.
    not_here: Vec<Browser>,
    /// What [`Run::build`] built, by name.
    programs: BTreeMap<String, PathBuf>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        let logs = root.join("target/logs");
        // Logs of the run before; there may be none.
        let _ = std::fs::remove_dir_all(&logs);
        Self {
            root,
            logs,
            steps: Steps::new(),
            browsers: Vec::new(),
            not_here: Vec::new(),
            programs: BTreeMap::new(),
        }
    }

    /// Sets up, builds, and does these parts, in the order of [`Part::ALL`].
    pub(crate) fn carry_out(&mut self, parts: &[Part], amount: &Amount) {
        let wanted = |part| parts.contains(&part);
        if !self.set_up(wanted(Part::Browsers)) {
            return;
        }
        if wanted(Part::Source) {
            self.source();
        }
        if parts == [Part::Source] || !self.build() {
            return;
        }
        for part in Part::ALL {
            if wanted(part) {
                self.part(part, amount);
            }
        }
    }

    fn part(&mut self, part: Part, amount: &Amount) {
        match part {
            // Needs no program, so it came before the build.
            Part::Source => {}
            Part::Unit => self.unit(amount.cases),
            Part::Sim => self.simulate(amount.seeds),
            Part::Edge => self.edge(amount.all_hosts),
            Part::Browsers => self.in_browsers(amount),
            Part::Crashes => self.crashes(amount.crashes),
            Part::Kafka => self.kafka(amount),
            Part::Clickstream => self.clickstream(&amount.orders),
        }
    }

    /// Brings what is missing; false when something needed cannot be had.
    fn set_up(&mut self, browser: bool) -> bool {
        let root = self.root;
        let tools = self.steps.check("set up", || {
            setup::for_server(root)?;
            setup::for_web(root)?;
            setup::for_enrich(root)?;
            Ok(Count::ONE)
        });
        if tools && browser {
            match self.steps.must("set up browsers", || setup::for_browsers(root)) {
                Ok((found, not_here)) => (self.browsers, self.not_here) = (found, not_here),
                Err(error) => println!("  FAILED: {error:#}"),
            }
        }
        tools
    }

    /// What needs no program to run: format, lints, types, and what the documents say.
    fn source(&mut self) {
        let root = self.root;
        self.command("format", process::cargo(root).args(["fmt", "--all", "--check"]));
        self.command(
            "lints",
            process::cargo(root)
                .args(["clippy", "--workspace", "--all-targets", "--features", KAFKA])
                .args(["--", "-D", "warnings"]),
        );
        // Elsewhere it is empty.
        self.command(
            "lints of the Cloudflare worker",
            process::cargo(root)
                .args(["clippy", "-p", "headwater-cloudflare", "--target", wasm::BROWSER])
                .args(["--", "-D", "warnings"]),
        );
        self.command("types", Command::new("npm").args(["run", "check"]).current_dir(root.join("sdk-web")));
        self.steps.check("documents and files", || checks::run(root));
    }

    /// Builds all tests and programs; false when something does not compile.
    fn build(&mut self) -> bool {
        let root = self.root;
        let built = self.steps.must("build", || programs::build_everything(root));
        match built {
            Ok(programs) => self.programs = programs,
            Err(error) => println!("  FAILED: {error:#}"),
        }
        !self.programs.is_empty()
    }

    /// Unit and property tests.
    fn unit(&mut self, cases: Option<u32>) {
        let mut command = process::cargo(self.root);
        command.args(["test", "--workspace", "--no-fail-fast"]);
        if let Some(cases) = cases {
            command.env("PROPTEST_CASES", cases.to_string());
            command.env("HEADWATER_SEEDS", cases.to_string());
        }
        self.command("unit and property tests", &mut command);
        // What no product is built with: slips to plant, and the trace of every decision.
        let with_slips =
            ["headwater-bridge-flow", "headwater-consumer", "headwater-core", "headwater-test-shell"];
        self.command(
            "tests with slips and traces",
            process::cargo(self.root)
                .args(["test", "--all-features", "--no-fail-fast"])
                .args(with_slips.iter().flat_map(|package| ["-p", package])),
        );
        self.command(
            "unit tests of the web shell",
            Command::new("npm").arg("test").current_dir(self.root.join("sdk-web")),
        );
    }

    /// The simulator over many seeds, and whether it finds every slip that was planted for it.
    fn simulate(&mut self, seeds: u64) {
        let root = self.root;
        let step = format!("sim, {seeds} seeds");
        let log = self.logs.join("sim.log");
        if let Ok(program) = self.steps.must("build the simulator in release", || sim::build(root)) {
            self.steps.check(&step, || {
                sim::check(&program, seeds, &log)
                    .inspect_err(|_| println!("{}\n  whole log: {}", excerpt::of_file(&log), log.display()))
            });
        }
        let mut planted = process::cargo(root);
        planted.args(["test", "-p", sim::PACKAGE, "--features", "planted", "--release", "--test", "planted"]);
        self.command("every planted bug is found", &mut planted);
    }

    /// The package; conformance and the scenarios of Chromium; the suite that is the same everywhere in each browser.
    fn in_browsers(&mut self, amount: &Amount) {
        let root = self.root;
        if !self.steps.check("build @headwater/web", || web::build(root).map(|()| Count::ONE)) {
            return;
        }
        self.steps.check("imports and exports of the wasm", || border::check(root));
        let Some(program) = self.programs.get("headwater").cloned() else { return };
        for (browser, path) in self.browsers.clone() {
            let npm = |script: &[&str], folder: &str| {
                let mut command = Command::new("npm");
                command.args(script).current_dir(root.join(folder)).env(browser.variable(), &path);
                command.env("HEADWATER_BIN", &program);
                command
            };
            if browser == Browser::Chromium {
                self.command(
                    "conformance in Chromium, with and without WebAssembly",
                    &mut npm(&["test"], "tests/conformance/web"),
                );
                for seed in 1..=amount.browser_seeds {
                    let mut command = npm(&["test"], "tests/e2e");
                    self.command(
                        &format!("Chromium, seed {seed}"),
                        command.env("HEADWATER_SEED", seed.to_string()),
                    );
                }
            }
            let mut command = npm(&["run", "browsers"], "tests/e2e");
            command.env("HEADWATER_BROWSER", browser.name());
            let mut step = format!("delivery in {browser:?}");
            if amount.brief && browser != Browser::Chromium {
                command.env("HEADWATER_BRIEF", "1");
                step += ", in brief";
            }
            self.command(&step, &mut command);
        }
    }

    /// The server and its senders, killed under load.
    fn crashes(&mut self, rounds: u32) {
        let (Some(chaos), Some(server)) =
            (self.programs.get("headwater-chaos"), self.programs.get("headwater"))
        else {
            return;
        };
        let mut command = Command::new(chaos);
        command.args(["crash", "--rounds", &rounds.to_string(), "--server"]).arg(server);
        self.command(&format!("kill -9, {rounds} rounds"), command.current_dir(self.root));
    }

    /// The public clickstream, compared with an independent count.
    fn clickstream(&mut self, orders: &[Order]) {
        let root = self.root;
        let Some(program) = self.programs.get("headwater").cloned() else { return };
        for order in orders {
            self.steps.check(&format!("clickstream, {order}"), || replay_once(root, &program, *order));
        }
        self.steps.check("clickstream again, after kill -9", || replay_again(root, &program));
    }

    /// Runs a command with its output in a log of its own, and counts the tests it reports.
    fn command(&mut self, step: &str, command: &mut Command) {
        let name: String = step.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let log = self.logs.join(format!("{name}.log"));
        self.steps.check(step, || {
            if stop::asked() {
                bail!("not run: interrupted");
            }
            let result = process::run_logged(command, &log);
            let said = text(&log);
            let found = count::tests(&said);
            match result {
                Ok(()) => Ok(found.at_least_one_passed()),
                Err(error) => {
                    println!("{}\n  FAILED {step}: {error:#}", excerpt::of(&said));
                    println!("  whole log: {}", log.display());
                    Ok(found.at_least_one_failed())
                }
            }
        });
    }

    /// The table of durations and, alone on the last line, the verdict.
    pub(crate) fn end(self) -> Result<()> {
        self.steps.print();
        for browser in &self.not_here {
            println!("\n{}", browser.not_here());
        }
        let Count { passed, failed } = self.steps.count();
        println!("\n{passed} passed, {failed} failed");
        if failed > 0 {
            bail!("not everything passed");
        }
        Ok(())
    }
}

/// A server of its own for one replay.
fn replay_once(root: &Path, program: &Path, order: Order) -> Result<Count> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let mut server = Server::start(program, &folder.path().join("data"), 0)?;
    let compared = compared(root, &mut server, order)?;
    server.stop()?;
    Ok(compared)
}

/// The whole clickstream into a store that has it, by a server that was killed in between and remembers nothing else.
fn replay_again(root: &Path, program: &Path) -> Result<Count> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let data = folder.path().join("data");
    let mut server = Server::start(program, &data, 0)?;
    let first = compared(root, &mut server, Order::default())?;
    server.kill()?;
    let mut server = Server::start(program, &data, 0)?;
    let second = compared(root, &mut server, Order { again: true, ..Order::default() })?;
    server.stop()?;
    Ok(Count { passed: first.passed + second.passed, failed: 0 })
}

fn compared(root: &Path, server: &mut Server, order: Order) -> Result<Count> {
    let table = replay::run(root, server, order)?;
    table.verdict().map(|passed| Count { passed, failed: 0 }).inspect_err(|_| table.print())
}
