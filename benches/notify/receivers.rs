//! The receivers: each is ill at first, is made well, and keeps the ids of what it is told.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fs,
    net::TcpListener as Listener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use zbus::{MessageStream, OwnedVariant};

use crate::common::vault::Vault;

/// What the mail server takes for a message while it is ill.
const SLOW: Duration = Duration::from_secs(1);
/// 32 bytes, as Standard Webhooks writes a secret.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The ids of what a receiver was told, and how often.
#[derive(Default)]
pub struct Told(BTreeMap<(u64, u64), u64>);

type Shared = Arc<Mutex<Told>>;

impl Told {
    /// `<origin>/<index>`, or `<origin>/<first>-<last>` for a digest. How many there are now.
    fn add(&mut self, id: &str) -> u32 {
        let (_, entries) = id.rsplit_once('/').unwrap();
        let (first, last) = entries.split_once('-').unwrap_or((entries, entries));
        let entries = (first.parse().unwrap(), last.parse().unwrap());
        *self.0.entry(entries).or_default() += 1;
        u32::try_from(self.0.len()).unwrap()
    }

    /// Every entry from `first` on must have been told of, by itself or by a digest.
    pub fn account(&self, name: &str, first: u64, size: u64) {
        let mut next = first;
        for (from, to) in self.0.keys() {
            assert!(*from <= next, "{name}: nothing tells of entry {next}");
            next = next.max(to + 1);
        }
        assert_eq!(next, size, "{name}: the newest entries are not told of");
        let singles = self.0.keys().filter(|(from, to)| from == to).count();
        let told: u64 = self.0.values().sum();
        println!(
            "{name:<8} {singles} by themselves, {} digests, {} repeated: all {} entries",
            self.0.len() - singles,
            told - self.0.len() as u64,
            size - first
        );
    }
}

/// All three.
pub struct Receivers {
    pub hook: Hook,
    pub mail: MailServer,
    pub desktop: Desktop,
}

impl Receivers {
    pub fn ill(directory: &Path) -> Self {
        Self {
            hook: Hook::dead(),
            mail: MailServer::slow(),
            desktop: Desktop::gone(directory),
        }
    }

    /// Has the agent of this vault tell them of everything.
    pub fn configure(&self, vault: &Vault) {
        let to = format!("http://127.0.0.1:{}", self.hook.port);
        let bound = ["--channel", "hook", "--to", &to];
        let add = [&["secret", "add", "hook", "--kind", "token"][..], &bound];
        vault.run(&add.concat(), SECRET);
        let each = "[notify.tell]\nurgency = \"quiet\"\ndigest = 0\ncatch_up = \"each\"\n";
        let settings = format!(
            "[listen]\ntls = \"127.0.0.1:0\"\n\
             [[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{to}/\"\nsecrets = [\"hook\"]\n{each}\
             [[notify]]\nname = \"mail\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
             from = \"strongroom@vault.example\"\nto = [\"ops@vault.example\"]\n{each}\
             [[notify]]\nname = \"desktop\"\nkind = \"desktop\"\nbus = \"{}\"\n\
             [notify.tell]\nurgency = \"quiet\"\ndigest = 1\ncatch_up = \"digest\"\n",
            self.mail.port,
            self.desktop.address(),
        );
        fs::write(vault.home().join("agent.toml"), settings).unwrap();
    }

    pub fn get_well(&mut self) {
        self.hook.get_well();
        self.mail.get_well();
        self.desktop.get_well();
    }
}

/// A webhook's receiver. Nobody listens at its port while it is dead.
pub struct Hook {
    pub port: u16,
    pub told: Shared,
    runtime: Runtime,
}

impl Hook {
    fn dead() -> Self {
        let free = Listener::bind("127.0.0.1:0").unwrap();
        Self {
            port: free.local_addr().unwrap().port(),
            told: Shared::default(),
            runtime: Runtime::new().unwrap(),
        }
    }

    fn get_well(&self) {
        let (address, told) = (("127.0.0.1", self.port), Arc::clone(&self.told));
        let listener = self.runtime.block_on(TcpListener::bind(address)).unwrap();
        self.runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let told = Arc::clone(&told);
                let service = service_fn(move |request: Request<Incoming>| {
                    let told = Arc::clone(&told);
                    async move {
                        let id = request.headers()["webhook-id"].to_str().unwrap().to_owned();
                        let _ = request.into_body().collect().await.unwrap();
                        told.lock().unwrap().add(&id);
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                    }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    }
}

/// A mail server (RFC 5321, as far as it is needed to take a message), slow as long as it is ill.
pub struct MailServer {
    pub port: u16,
    pub told: Shared,
    slow: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl MailServer {
    fn slow() -> Self {
        let runtime = Runtime::new().unwrap();
        let address = "127.0.0.1:0";
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, slow) = (Shared::default(), Arc::new(AtomicBool::new(true)));
        let session = (Arc::clone(&told), Arc::clone(&slow));
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (told, slow) = session.clone();
                tokio::spawn(async move {
                    // A client that goes away in the middle has delivered nothing.
                    let _ = serve_mail(stream, &told, &slow).await;
                });
            }
        });
        Self {
            port,
            told,
            slow,
            _runtime: runtime,
        }
    }

    fn get_well(&self) {
        self.slow.store(false, Ordering::Relaxed);
    }
}

async fn serve_mail(
    stream: TcpStream,
    told: &Mutex<Told>,
    slow: &AtomicBool,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.example ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let reply: &[u8] = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => b"250-mail.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut id = None;
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("Strongroom-Id: ") {
                        id.get_or_insert(value.to_owned());
                    }
                }
                if slow.load(Ordering::Relaxed) {
                    tokio::time::sleep(SLOW).await;
                }
                told.lock().unwrap().add(&id.unwrap());
                b"250 taken\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 fine\r\n",
        };
        writer.write_all(reply).await?;
    }
    Ok(())
}

/// A desktop: `dbus-daemon`, and on its bus a notification daemon of this program's.
pub struct Desktop {
    directory: PathBuf,
    pub told: Shared,
    bus: Option<Child>,
    runtime: Runtime,
}

/// What a bus without programs that it could start lets everybody do.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

impl Desktop {
    fn gone(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            told: Shared::default(),
            bus: None,
            runtime: Runtime::new().unwrap(),
        }
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.directory.join("bus").display())
    }

    fn get_well(&mut self) {
        let configuration = self.directory.join("bus.conf");
        fs::write(&configuration, BUS.replace("ADDRESS", &self.address())).unwrap();
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.bus = Some(command.spawn().unwrap());
        while !self.directory.join("bus").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (address, told) = (self.address(), Arc::clone(&self.told));
        self.runtime.spawn(serve_desktop(address, told));
    }
}

/// Says that it shows popups, and keeps the ids that they are stacked by.
async fn serve_desktop(address: String, told: Shared) {
    type Popup = (
        String,
        u32,
        String,
        String,
        String,
        Vec<String>,
        HashMap<String, OwnedVariant>,
        i32,
    );
    // The bus may have made its socket and not listen there yet.
    let bus = loop {
        let builder = zbus::connection::Builder::address(address.as_str());
        match builder.build().await {
            Ok(bus) => break bus,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let mut messages = MessageStream::from(&bus);
    bus.request_name("org.freedesktop.Notifications")
        .await
        .unwrap();
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        let header = message.header();
        let answered = match header.member().map(|member| member.as_str()) {
            Some("GetCapabilities") => bus.reply(&header, &vec!["body"]).await,
            Some("Notify") => {
                let body = message.body();
                let popup: Popup = body.deserialize().unwrap();
                let tag = &*popup.6["x-dunst-stack-tag"];
                let id: &str = tag.try_into().unwrap();
                let number = told.lock().unwrap().add(id);
                bus.reply(&header, &number).await
            }
            _ => continue,
        };
        answered.unwrap();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(mut bus) = self.bus.take() {
            let _ = bus.kill();
            let _ = bus.wait();
        }
    }
}
