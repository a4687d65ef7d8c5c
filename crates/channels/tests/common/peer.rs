//! Other people's software that a test talks to: scripts of tests/peers, started and stopped with the test.
//!
//! A script listens on 127.0.0.1, prints `{"port": N}` and from then on one JSON line for each thing that happens to it;
//! it may read orders as JSON lines. It ends when its input does, so that it does not outlive a test that is killed.
#![allow(dead_code, reason = "every test file is a program of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "a module of several programs, none of which exports anything")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a peer may take to start, and to notice something.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running script. Killed when dropped.
pub struct Peer {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    child: Child,
    orders: ChildStdin,
    heard: Arc<Heard>,
}

/// What was printed so far, and whether more may come.
#[derive(Default)]
struct Heard {
    lines: Mutex<(Vec<Value>, bool)>,
    more: Condvar,
}

impl Peer {
    /// Starts tests/peers/`script` and waits until it listens.
    pub fn start(script: &str, args: &[&str]) -> Peer {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers");
        let modules = peers.join("node_modules");
        assert!(modules.is_dir(), "the peers are not installed: run `npm ci --prefix tests/peers`");
        let mut child = Command::new("node")
            .arg(peers.join(script))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts: the peers need Node.js");
        let (orders, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let heard = Arc::new(Heard::default());
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                listener.lines.lock().unwrap().0.push(line);
                listener.more.notify_all();
            }
            listener.lines.lock().unwrap().1 = true;
            listener.more.notify_all();
        });
        let mut peer = Peer { port: 0, child, orders, heard };
        let listening = peer.wait_for(&format!("{script} to listen"), |line| line["port"].is_u64());
        peer.port = listening["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap();
        peer
    }

    /// Everything it has printed so far, the line with the port first.
    pub fn lines(&self) -> Vec<Value> {
        self.heard.lines.lock().unwrap().0.clone()
    }

    /// Those lines that name this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// The first line that is what is waited for, printed before or from now on. Blocks the thread: a test that runs the
    /// other side itself needs a runtime of several threads.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_many(what, 1, wanted).remove(0)
    }

    /// The first `count` such lines.
    pub fn wait_for_many(&self, what: &str, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut guard = self.heard.lines.lock().unwrap();
        loop {
            let found: Vec<Value> = guard.0.iter().filter(|line| wanted(line)).take(count).cloned().collect();
            if found.len() == count {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!guard.1 && !left.is_zero(), "waited in vain for {what}; printed so far: {:#?}", guard.0);
            guard = self.heard.more.wait_timeout(guard, left).unwrap().0;
        }
    }

    /// Gives it an order.
    pub fn say(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").and_then(|()| self.orders.flush()).expect("the peer listens to orders");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
