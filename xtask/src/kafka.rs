//! Real Kafka brokers (KRaft, each its own controller) on loopback, with their data in a temporary folder.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::setup::{self, kafka::Kafka};
use crate::{process, stop};

/// A start takes some 6 s on a quiet machine.
const START_LIMIT: Duration = Duration::from_mins(2);
/// A stop takes some 2 s.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Each broker's memory for Java: enough for tests.
const HEAP: &str = "-Xmx512m";
/// All brokers of a cluster must agree on one; which does not matter here.
const CLUSTER: &str = "hw-test-cluster-000001";
/// What it writes when it takes requests.
const READY: &str = "Kafka Server started";

/// Some brokers that know each other. Dropping it kills them.
pub(crate) struct Cluster {
    kafka: Kafka,
    folder: TempDir,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    controller: u16,
    child: Option<Child>,
}

impl Cluster {
    /// Starts so many brokers on ports that the system chooses, and waits until they are ready.
    pub(crate) fn start(kafka: Kafka, brokers: usize) -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary directory")?;
        let ports = free_ports(2 * brokers)?;
        let nodes =
            ports.chunks_exact(2).map(|ports| Node { port: ports[0], controller: ports[1], child: None });
        let mut cluster = Self { kafka, folder, nodes: nodes.collect() };
        for node in 0..brokers {
            cluster.format(node)?;
            cluster.spawn(node)?;
        }
        for node in 0..brokers {
            cluster.wait_ready(node)?;
        }
        Ok(cluster)
    }

    /// `host:port` of every broker, for a client.
    pub(crate) fn bootstrap(&self) -> String {
        let all = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        all.collect::<Vec<_>>().join(",")
    }

    /// SIGTERM to a broker, which ends by itself.
    pub(crate) fn stop(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.nodes[node].child.take() else { return Ok(()) };
        stop::gently(&mut child, STOP_LIMIT).map(drop)
    }

    /// `kill -9` of a broker.
    #[expect(dead_code, reason = "for tests of what a broker's death does to the bridge")]
    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.nodes[node].child.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop).context("waiting for a killed broker")
    }

    /// Starts a broker again, where it was and with what it had.
    #[expect(dead_code, reason = "for tests of what a broker's death does to the bridge")]
    pub(crate) fn restart(&mut self, node: usize) -> Result<()> {
        self.stop(node)?;
        self.spawn(node)?;
        self.wait_ready(node)
    }

    fn home(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{}", node + 1))
    }

    /// Writes its settings and an empty store.
    fn format(&self, node: usize) -> Result<()> {
        let home = self.home(node);
        std::fs::create_dir_all(&home)?;
        let log4j = format!(
            "appender.f.type=File\nappender.f.name=F\nappender.f.fileName={}\nappender.f.layout.type=PatternLayout\n\
             appender.f.layout.pattern=%d{{ISO8601}} %p %c{{1}} %m%n\nrootLogger.level=info\n\
             rootLogger.appenderRef.f.ref=F\n",
            home.join("server.log").display()
        );
        std::fs::write(home.join("log4j2.properties"), log4j)?;
        std::fs::write(home.join("server.properties"), self.properties(node))?;
        let mut command = self.java(node, "kafka.tools.StorageTool", "-Xmx128m");
        command.args(["format", "-t", CLUSTER, "-c"]).arg(home.join("server.properties"));
        process::capture(&mut command).map(drop)
    }

    fn properties(&self, node: usize) -> String {
        let Node { port, controller, .. } = self.nodes[node];
        let voters = (1..).zip(&self.nodes).map(|(id, node)| format!("{id}@127.0.0.1:{}", node.controller));
        let voters = voters.collect::<Vec<_>>().join(",");
        let copies = self.nodes.len().min(3);
        let in_sync = copies.saturating_sub(1).max(1);
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        format!(
            "process.roles=broker,controller\n\
             node.id={id}\n\
             controller.quorum.voters={voters}\n\
             listeners={listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAINTEXT\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             log.dirs={data}\n\
             auto.create.topics.enable=false\n\
             default.replication.factor={copies}\n\
             min.insync.replicas={in_sync}\n\
             group.initial.rebalance.delay.ms=0\n\
             offsets.topic.num.partitions=4\n\
             offsets.topic.replication.factor={copies}\n\
             transaction.state.log.num.partitions=4\n\
             transaction.state.log.replication.factor={copies}\n\
             transaction.state.log.min.isr={in_sync}\n\
             share.coordinator.state.topic.num.partitions=4\n\
             share.coordinator.state.topic.replication.factor={copies}\n\
             share.coordinator.state.topic.min.isr={in_sync}\n",
            id = node + 1,
            data = self.home(node).join("data").display(),
        )
    }

    fn java(&self, node: usize, class: &str, heap: &str) -> Command {
        let mut command = Command::new(&self.kafka.java);
        let log4j = self.home(node).join("log4j2.properties");
        command.args([heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
        command.arg("-cp").arg(self.kafka.jars.join("*")).arg(class);
        command
    }

    fn spawn(&mut self, node: usize) -> Result<()> {
        let home = self.home(node);
        // What it wrote before would look like being ready.
        let _ = std::fs::rename(home.join("server.log"), home.join("server.log.before"));
        let output = File::create(home.join("out.log"))?;
        let mut command = self.java(node, "kafka.Kafka", HEAP);
        command.arg(home.join("server.properties"));
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A group of its own: Ctrl-C reaches us, and we stop it after those that need it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.nodes[node].child = Some(command.spawn().context("cannot start java")?);
        Ok(())
    }

    fn wait_ready(&mut self, node: usize) -> Result<()> {
        let begun = Instant::now();
        let log = self.home(node).join("server.log");
        let address = SocketAddr::from(([127, 0, 0, 1], self.nodes[node].port));
        loop {
            if process::text(&log).contains(READY) && TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            let ended = self.nodes[node].child.as_mut().map_or(Ok(None), Child::try_wait)?;
            if let Some(status) = ended {
                bail!("Kafka ended ({status}):\n{}", self.last_words(node));
            }
            if begun.elapsed() > START_LIMIT {
                bail!("Kafka did not become ready:\n{}", self.last_words(node));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn last_words(&self, node: usize) -> String {
        let tail = |name: &str| process::tail(&self.home(node).join(name), 10);
        format!("{}\n{}", tail("out.log"), tail("server.log"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().filter_map(|node| node.child.as_mut()) {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A broker for tests by hand, until Ctrl-C.
pub(crate) fn run() -> Result<()> {
    stop::listen()?;
    let mut cluster = Cluster::start(setup::for_kafka()?, 1)?;
    println!("HEADWATER_KAFKA={}", cluster.bootstrap());
    while !stop::asked() {
        thread::sleep(Duration::from_millis(100));
    }
    cluster.stop(0)
}

/// Ports that were free a moment ago, all different.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let sockets: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    sockets.iter().map(|socket| Ok(socket.local_addr()?.port())).collect()
}
