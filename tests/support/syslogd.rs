//! A syslog receiver of the tests' own: `rsyslogd`, over TLS or at a socket, that keeps what it
//! understood, and the bytes that it understood it from, as JSON lines.

use std::{
    fs,
    net::TcpStream,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{
    authority::Authority,
    eventually, succeed,
    told::{libraries, unpacked},
};

/// A receiver in a directory of its own; it ends with the test.
pub struct Syslogd {
    directory: PathBuf,
    /// Who signed its certificate.
    pub authority: Authority,
    /// How it checks who sends: `anon` for nobody, `x509/certvalid` for the authority's certificates.
    mode: &'static str,
    /// Where it listens over TLS, on this machine.
    pub port: u16,
    running: Option<Child>,
}

impl Syslogd {
    /// Starts it: over TLS on a port that the kernel chooses, for who trusts its authority and calls it
    /// `localhost`; and at a local socket.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, "anon")
    }

    pub fn start_with(directory: &Path, mode: &'static str) -> Self {
        fs::create_dir_all(directory).unwrap();
        let mut syslogd = Self {
            directory: directory.to_owned(),
            authority: Authority::create(directory, "logs-authority"),
            mode,
            port: 0,
            running: None,
        };
        syslogd.come_up();
        syslogd
    }

    /// The channel that tells it over TLS.
    pub fn settings(&self, name: &str) -> String {
        format!(
            "[[notify]]\nname = \"{name}\"\nkind = \"syslog\"\nserver = \"localhost:{}\"\ncacert = \"{}\"\nenterprise = 4242\n",
            self.port,
            self.authority.certificate()
        )
    }

    /// The channel that tells it at the socket.
    pub fn local_settings(&self, name: &str) -> String {
        format!(
            "[[notify]]\nname = \"{name}\"\nkind = \"syslog\"\nsocket = \"{}\"\nenterprise = 4242\n",
            self.socket().display()
        )
    }

    /// Starts it again where it was; what it got is still there.
    pub fn come_up(&mut self) {
        let Self {
            directory,
            authority,
            mode,
            port,
            ..
        } = self;
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
module(load="mmpstrucdata")
input(type="imtcp" port="{port}" address="127.0.0.1" listenPortFileName="{2}")
input(type="imuxsock" Socket="{3}" useSpecialParser="off" parseHostname="on")
template(name="json" type="list" option.jsonf="on") {{
{properties}property(outname="elements" name="$!rfc5424-sd" format="jsonf")
}}
action(type="mmpstrucdata" sd_name.lowercase="off")
action(type="omfile" file="{4}" template="json")
"#,
            directory.display(),
            authority.certificate(),
            at("port"),
            at("log"),
            at("got.jsonl"),
        );
        fs::write(at("rsyslog.conf"), configuration).unwrap();
        let (folder, mut command) = unpacked("usr/sbin/rsyslogd");
        command
            .arg("-M")
            .arg(libraries(&folder).join("rsyslog"))
            .args(["-n", "-i", "NONE", "-f", &at("rsyslog.conf")]);
        let said = fs::File::create(at("said")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn();
        let mut child = child.unwrap();
        let (mut listens, before) = (0, self.port);
        eventually("rsyslogd listens", || {
            let said = || fs::read_to_string(at("said")).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{}", said());
            let port = fs::read_to_string(at("port")).unwrap_or_default();
            // The file is written for a port that the kernel chose only.
            listens = port.trim().parse().unwrap_or(before);
            listens != 0
                && TcpStream::connect(("127.0.0.1", listens)).is_ok()
                && UnixDatagram::unbound()
                    .and_then(|socket| socket.connect(at("log")))
                    .is_ok()
        });
        self.port = listens;
        self.running = Some(child);
    }

    /// The local socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Everything that it got of this program so far.
    pub fn got(&self) -> Vec<Value> {
        let got = self.directory.join("got.jsonl");
        let lines = fs::read_to_string(got).unwrap_or_default();
        let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            // It says something by itself, too.
            .filter(|message: &Value| message["app"] != "rsyslogd")
            .collect()
    }

    /// The ids of the notifications that it got so far, at the end of their texts.
    pub fn ids(&self) -> Vec<String> {
        let messages = self.got();
        messages.iter().map(id).collect()
    }

    /// SIGTERM, and waits: it writes out all that it has read.
    pub fn go_down(&mut self) {
        let mut child = self.running.take().unwrap();
        let mut command = Command::new("kill");
        command.args(["-s", "TERM", &child.id().to_string()]);
        succeed(command);
        child.wait().unwrap();
    }
}

/// The notification's id.
pub fn id(message: &Value) -> String {
    let text = message["text"].as_str().unwrap();
    let (_, id) = text.rsplit_once(" (").unwrap();
    id.strip_suffix(')').unwrap().to_owned()
}

impl Drop for Syslogd {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
