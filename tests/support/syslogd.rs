//! A syslog receiver of the tests' own: `rsyslogd`, over TLS or at a socket, that keeps what it
//! understood, and the bytes that it understood it from, as JSON lines.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{authority::Authority, eventually, text};

/// A running `rsyslogd`; it ends with the test.
pub struct Syslogd {
    child: Child,
    directory: PathBuf,
    /// Where it listens over TLS.
    pub port: u16,
}

impl Syslogd {
    /// Starts it in a directory of its own: over TLS on a port that the kernel chooses, and at the
    /// socket `log` there.
    pub fn start(directory: &Path, authority: &Authority) -> Self {
        Self::start_on(directory, authority, 0)
    }

    /// The same on a port that it had before; what it got before is still there.
    pub fn start_on(directory: &Path, authority: &Authority, port: u16) -> Self {
        Self::start_with(directory, authority, port, "anon")
    }

    /// `mode`: `anon`, or `x509/certvalid` to demand a certificate of the authority's.
    pub fn start_with(directory: &Path, authority: &Authority, port: u16, mode: &str) -> Self {
        fs::create_dir_all(directory).unwrap();
        let (certificate, key) = authority.sign("rsyslogd", "subjectAltName=DNS:localhost");
        let at = |name: &str| directory.join(name).display().to_string();
        let _ = fs::remove_file(at("port"));
        let properties: String = [
            ("raw", "rawmsg"),
            ("text", "msg"),
            ("data", "structured-data"),
            ("id", "msgid"),
            ("app", "app-name"),
            ("process", "procid"),
            ("host", "hostname"),
            ("severity", "syslogseverity-text"),
            ("facility", "syslogfacility-text"),
            ("version", "protocol-version"),
            ("time", "timereported\" dateFormat=\"rfc3339"),
        ]
        .map(|(name, property)| {
            format!("property(outname=\"{name}\" name=\"{property}\" format=\"jsonf\")\n")
        })
        .concat();
        let configuration = format!(
            r#"global(workDirectory="{0}" maxMessageSize="8k" defaultNetstreamDriver="ossl"
    defaultNetstreamDriverCAFile="{1}" defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}"
    parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}")
module(load="imuxsock" SysSock.Use="off")
input(type="imtcp" port="{port}" address="127.0.0.1" listenPortFileName="{2}")
input(type="imuxsock" Socket="{3}" useSpecialParser="off" parseHostname="on")
template(name="json" type="list" option.jsonf="on") {{
{properties}}}
action(type="omfile" file="{4}" template="json")
"#,
            directory.display(),
            authority.certificate(),
            at("port"),
            at("log"),
            at("got.jsonl"),
        );
        fs::write(at("rsyslog.conf"), configuration).unwrap();
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command.args(["-n", "-i", "NONE", "-f", &at("rsyslog.conf")]);
        let said = fs::File::create(at("said")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .expect("rsyslogd is missing; run the tests with `tests/run`");
        let mut syslogd = Self {
            child,
            directory: directory.to_owned(),
            port,
        };
        eventually("rsyslogd listens", || {
            let said = || fs::read_to_string(at("said")).unwrap();
            assert!(syslogd.child.try_wait().unwrap().is_none(), "{}", said());
            let port = fs::read_to_string(at("port")).unwrap_or_default();
            syslogd.port = port.trim().parse().unwrap_or_default();
            syslogd.port != 0 && syslogd.socket().exists()
        });
        syslogd
    }

    /// The local socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Everything that it got so far.
    pub fn got(&self) -> Vec<Value> {
        got(&self.directory)
    }

    /// The ids of the notifications that it got so far, at the end of their texts.
    pub fn ids(&self) -> Vec<String> {
        let messages = self.got();
        messages.iter().map(id).collect()
    }

    /// SIGTERM, and waits: it writes out all that it has read.
    pub fn stop(mut self) {
        let mut command = Command::new("kill");
        command.args(["-s", "TERM", &self.child.id().to_string()]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        self.child.wait().unwrap();
    }
}

/// What a receiver in this directory got, while it runs or after.
pub fn got(directory: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(directory.join("got.jsonl")).unwrap_or_default();
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// The notification's id.
pub fn id(message: &Value) -> String {
    let text = message["text"].as_str().unwrap();
    let (_, id) = text.rsplit_once(" (").unwrap();
    id.strip_suffix(')').unwrap().to_owned()
}

impl Drop for Syslogd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
