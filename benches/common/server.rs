//! A server, in a process of its own, and what that has used of the CPU.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::vault::Vault;

/// How long a server may take to start before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server, ended with the benchmark.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// The agent under test, unlocked.
    pub fn agent(vault: &Vault) -> Self {
        let log = fs::File::create(vault.path().join("agent.log")).unwrap();
        let mut command = vault.command(&["agent", "--unlock"]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let start = Instant::now();
        let address = loop {
            assert!(start.elapsed() < PATIENCE, "the agent does not answer");
            let output = vault.command(&["status", "--json"]).output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            match status["listening"].as_str() {
                Some(address) if status["unlocked"] == true => break address.parse().unwrap(),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        Self { child, address }
    }

    /// This program again with this option, which serves and prints its address on a line first.
    pub fn this_program(option: &str, directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(option).arg(directory);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    /// Seconds of CPU that all threads of the process have used, in user and in system mode.
    pub fn cpu(&self) -> f64 {
        let process = self.child.id().to_string();
        cpu(&process)
    }
}

/// The same of a process with this number, or of `self`.
pub fn cpu(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The program's name, in parentheses, may hold spaces. utime and stime are fields 14 and 15,
    // counted from 1; the name is the second. Linux gives both in 1/100 s (USER_HZ).
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
