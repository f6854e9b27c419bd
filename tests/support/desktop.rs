//! A desktop of the tests' own: a private D-Bus (`dbus-daemon`), a screen that nobody sees (`Xvfb`), and
//! the notification daemon `dunst`, which can be asked what it has shown.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use super::{eventually, succeed};

/// What a bus without programs that it could start lets everybody do.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
const SERVICE: &str = "org.freedesktop.Notifications";
const OBJECT: &str = "/org/freedesktop/Notifications";

/// A desktop; all of it ends with the test.
pub struct Desktop {
    directory: PathBuf,
    /// `full` or `no`: whether the daemon reads markup.
    markup: &'static str,
    screen: Child,
    display: String,
    bus: Option<Child>,
    monitor: Option<Child>,
    monitors: usize,
    daemon: Option<Child>,
}

/// What the daemon keeps of a popup that it has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub summary: String,
    pub body: String,
}

impl Desktop {
    /// Everything runs.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, "full")
    }

    /// The same with a daemon that reads markup (`full`) or does not (`no`).
    pub fn start_with(directory: &Path, markup: &'static str) -> Self {
        let mut desktop = Self::switched_off(directory, markup);
        desktop.start_bus();
        desktop.start_daemon();
        desktop
    }

    /// There is a screen, and neither a bus nor a daemon yet.
    pub fn switched_off(directory: &Path, markup: &'static str) -> Self {
        let directory = tempfile::TempDir::with_prefix_in("desktop-", directory)
            .unwrap()
            .keep();
        let display = directory.join("display");
        let mut command = Command::new("Xvfb");
        command
            .args(["-displayfd", "1", "-screen", "0", "640x480x24"])
            .args(["-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(File::create(&display).unwrap())
            .stderr(Stdio::null());
        let screen = command
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb: {error}; run the tests with `tests/run`"));
        let mut desktop = Self {
            directory,
            markup,
            screen,
            display: String::new(),
            bus: None,
            monitor: None,
            monitors: 0,
            daemon: None,
        };
        eventually("the screen says its number", || {
            let number = fs::read_to_string(&display).unwrap();
            desktop.display = format!(":{}", number.trim());
            number.ends_with('\n')
        });
        desktop
    }

    pub fn address(&self) -> String {
        format!("unix:path={}", self.directory.join("bus").display())
    }

    /// What makes a channel of it in `agent.toml` that tells each thing by itself.
    pub fn settings(&self, name: &str) -> String {
        format!(
            "[[notify]]\nname = \"{name}\"\nkind = \"desktop\"\nbus = \"{}\"\n[notify.tell]\ndigest = 0\ncatch_up = \"each\"\n",
            self.address()
        )
    }

    pub fn start_bus(&mut self) {
        let configuration = self.directory.join("bus.conf");
        fs::write(&configuration, BUS.replace("ADDRESS", &self.address())).unwrap();
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.bus = Some(command.spawn().unwrap());
        eventually("the bus answers", || {
            self.busctl(&["list"]).status.success()
        });
        // Everything that goes over the bus from now on, as somebody else sees it.
        self.monitors += 1;
        let said = self.directory.join("monitor.said");
        let mut command = Command::new("busctl");
        command
            .arg(format!("--address={}", self.address()))
            .args(["monitor", "--json=short"])
            .stdin(Stdio::null())
            .stdout(File::create(self.monitored(self.monitors)).unwrap())
            .stderr(File::create(&said).unwrap());
        self.monitor = Some(command.spawn().unwrap());
        eventually("the monitor sees the bus", || {
            fs::read_to_string(&said).unwrap().contains("Monitoring")
        });
    }

    pub fn start_daemon(&mut self) {
        let configuration = self.directory.join("dunstrc");
        let settings = format!(
            "[global]\nmarkup = {}\nhistory_length = 10000\nstack_duplicates = no\nignore_newline = no\n",
            self.markup
        );
        fs::write(&configuration, settings).unwrap();
        let said = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("dunst.said"))
            .unwrap();
        let mut command = Command::new("dunst");
        command
            .arg("-conf")
            .arg(&configuration)
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said);
        self.daemon = Some(command.spawn().unwrap());
        eventually("the notification daemon answers", || {
            self.busctl(&["status", SERVICE]).status.success()
        });
    }

    pub fn stop_daemon(&mut self) {
        end(&mut self.daemon);
    }

    /// The daemon goes with it.
    pub fn stop_bus(&mut self) {
        end(&mut self.bus);
        end(&mut self.monitor);
        end(&mut self.daemon);
    }

    /// What the daemon has shown since it was started, oldest first, as it keeps it.
    pub fn shown(&self) -> Vec<Shown> {
        self.ask_daemon("NotificationCloseAll");
        let answer: Value =
            serde_json::from_str(&self.ask_daemon("NotificationListHistory")).unwrap();
        let text = |popup: &Value, field: &str| popup[field]["data"].as_str().unwrap().to_owned();
        let shown = answer["data"][0].as_array().unwrap().iter();
        shown
            .rev()
            .map(|popup| Shown {
                summary: text(popup, "summary"),
                body: text(popup, "body"),
            })
            .collect()
    }

    /// The calls of `Notify` that a daemon answered well, in order: what they asked for.
    pub fn calls(&self) -> Vec<Value> {
        let mut answered = Vec::new();
        for monitor in 1..=self.monitors {
            let text = fs::read_to_string(self.monitored(monitor)).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let messages: Vec<Value> = whole
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let is_answered = |call: &Value| {
                messages.iter().any(|answer| {
                    answer["type"] == "method_return"
                        && answer["reply_cookie"] == call["cookie"]
                        && answer["destination"] == call["sender"]
                })
            };
            let calls = messages.iter().filter(|message| {
                message["type"] == "method_call" && message["member"] == "Notify"
            });
            answered.extend(
                calls
                    .filter(|call| is_answered(call))
                    .map(|call| call["payload"]["data"].clone()),
            );
        }
        answered
    }

    /// The ids of the notifications that a daemon has taken, in order, with repeats.
    pub fn received(&self) -> Vec<String> {
        let id = |call: &Value| {
            call[6]["x-dunst-stack-tag"]["data"]
                .as_str()
                .map(str::to_owned)
        };
        self.calls().iter().map(|call| id(call).unwrap()).collect()
    }

    /// What the daemon complained of.
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.directory.join("dunst.said")).unwrap_or_default()
    }

    fn monitored(&self, monitor: usize) -> PathBuf {
        self.directory.join(format!("monitor-{monitor}.json"))
    }

    fn ask_daemon(&self, method: &str) -> String {
        let mut command = Command::new("busctl");
        command
            .arg(format!("--address={}", self.address()))
            .args(["--json=short", "call", SERVICE, OBJECT])
            .args(["org.dunstproject.cmd0", method]);
        succeed(command)
    }

    fn busctl(&self, arguments: &[&str]) -> Output {
        Command::new("busctl")
            .arg(format!("--address={}", self.address()))
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("busctl: {error}; run the tests with `tests/run`"))
    }
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.stop_bus();
        let _ = self.screen.kill();
        let _ = self.screen.wait();
    }
}
