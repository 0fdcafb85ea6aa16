//! Real Kafka brokers (KRaft, each its own controller) on loopback, with their data in a temporary folder.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::{apart, free_ports, stop, tail, text};

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

/// What starts a broker.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Java's program.
    pub java: PathBuf,
    /// The folder of Kafka's jars.
    pub jars: PathBuf,
}

/// Some brokers that know each other. Dropping it kills them.
pub struct Cluster {
    kafka: Kafka,
    folder: PathBuf,
    /// Removed with the cluster, if it made its folder itself.
    temporary: Option<TempDir>,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    controller: u16,
    child: Option<Child>,
}

impl Cluster {
    /// Starts so many brokers on ports that the system chooses, and waits until they are ready.
    pub fn start(kafka: Kafka, brokers: usize) -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary directory")?;
        let mut cluster = Self::start_in(kafka, brokers, folder.path())?;
        cluster.temporary = Some(folder);
        Ok(cluster)
    }

    /// As [`start`](Self::start), with their data in a folder of the caller's.
    pub fn start_in(kafka: Kafka, brokers: usize, folder: &Path) -> Result<Self> {
        let ports = free_ports(2 * brokers)?;
        let nodes =
            ports.chunks_exact(2).map(|ports| Node { port: ports[0], controller: ports[1], child: None });
        let mut cluster = Self { kafka, folder: folder.to_owned(), temporary: None, nodes: nodes.collect() };
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
    #[must_use]
    pub fn bootstrap(&self) -> String {
        let all = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        all.collect::<Vec<_>>().join(",")
    }

    /// SIGTERM to a broker, which ends by itself.
    pub fn stop(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.nodes[node].child.take() else { return Ok(()) };
        stop::gently(&mut child, STOP_LIMIT).map(drop)
    }

    /// `kill -9` of a broker.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.nodes[node].child.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop).context("waiting for a killed broker")
    }

    /// Whether a broker's process is there.
    pub fn is_running(&mut self, node: usize) -> Result<bool> {
        let child = self.nodes[node].child.as_mut();
        Ok(child.is_some_and(|child| matches!(child.try_wait(), Ok(None))))
    }

    /// Starts a broker again, where it was and with what it had.
    pub fn restart(&mut self, node: usize) -> Result<()> {
        self.restart_all(&[node])
    }

    /// As [`restart`](Self::restart), for brokers that need each other to become ready.
    pub fn restart_all(&mut self, nodes: &[usize]) -> Result<()> {
        for node in nodes {
            self.stop(*node)?;
            self.spawn(*node)?;
        }
        nodes.iter().try_for_each(|node| self.wait_ready(*node))
    }

    /// Deletes a topic, and waits until the brokers have forgotten it.
    pub fn delete_topic(&self, topic: &str) -> Result<()> {
        self.topics(&["--delete", "--topic", topic])?;
        let begun = Instant::now();
        while self.topics(&["--list"])?.lines().any(|name| name == topic) {
            if begun.elapsed() > STOP_LIMIT {
                bail!("the topic {topic} does not go");
            }
        }
        Ok(())
    }

    fn topics(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.java(0, "org.apache.kafka.tools.TopicCommand", "-Xmx128m");
        run(command.args(["--bootstrap-server", &self.bootstrap()]).args(arguments))
    }

    fn home(&self, node: usize) -> PathBuf {
        self.folder.join(format!("node-{}", node + 1))
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
        run(&mut command).map(drop)
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
        apart(&mut command);
        self.nodes[node].child = Some(command.spawn().context("cannot start java")?);
        Ok(())
    }

    fn wait_ready(&mut self, node: usize) -> Result<()> {
        let begun = Instant::now();
        let log = self.home(node).join("server.log");
        let address = SocketAddr::from(([127, 0, 0, 1], self.nodes[node].port));
        loop {
            if text(&log).contains(READY) && TcpStream::connect(address).is_ok() {
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
        let end = |name: &str| tail(&self.home(node).join(name), 10);
        format!("{}\n{}", end("out.log"), end("server.log"))
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

/// Runs a tool of Kafka's to its end and returns what it says.
fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().context("cannot start java")?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        bail!("a tool of Kafka's: {}\n{}\n{}", output.status, said(&output.stdout), said(&output.stderr));
    }
    Ok(said(&output.stdout))
}
