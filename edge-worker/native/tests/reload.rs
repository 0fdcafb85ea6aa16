//! The program itself: its sites are replaced while it runs.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
};

/// The program, killed if the test ends early.
struct Program {
    child: Child,
    address: String,
    log: BufReader<ChildStderr>,
}

impl Program {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headwater-collector"))
            .args(["--listen", "127.0.0.1:0", "--bridge", "http://127.0.0.1:1", "--sites"])
            .arg(config)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, address, log }
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
    }

    /// Reads the log up to a line with this text.
    fn logged(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).expect("a line") > 0, "it ended before {text:?}");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The status of an event of this site: 401 if there is none such, 503 if there is, for the bridge is not there.
    fn status(&self, site: &str) -> u16 {
        let body =
            format!(r#"{{"site_id":"{site}","client_id":"c","events":[{{"type":"x","ts":1710320000}}]}}"#);
        let mut stream = TcpStream::connect(&self.address).expect("a listener");
        write!(
            stream,
            "POST /collect HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer[9..12].parse().expect("a status")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_hang_up_has_the_sites_read_again_and_a_bad_file_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sites.toml");
    fs::write(&path, "[[site]]\nid = \"a\"\n").expect("written");
    let mut program = Program::start(&path);
    assert_eq!((program.status("a"), program.status("b")), (503, 401));

    fs::write(&path, "[[site]]\nid = \"b\"\n").expect("written");
    program.signal("-HUP");
    program.logged("the sites were read again");
    assert_eq!((program.status("a"), program.status("b")), (401, 503));

    fs::write(&path, "[[site]]\nid = \"c\"\n\ncolour = 1\n").expect("written");
    program.signal("-HUP");
    let line = program.logged("the sites stay as they were");
    assert!(line.contains("sites.toml: line 4: colour: unknown field `colour`"), "{line}");
    assert_eq!((program.status("b"), program.status("c")), (503, 401));

    // Without a signal, within two seconds.
    fs::write(&path, "[[site]]\nid = \"d\"\n").expect("written");
    program.logged("the sites were read again");
    assert_eq!((program.status("b"), program.status("d")), (401, 503));

    program.signal("-TERM");
    assert!(program.child.wait().expect("an end").success());
}
