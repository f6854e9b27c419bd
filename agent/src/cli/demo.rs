//! `strongroom demo`: the whole story with no questions, in a temporary directory.
//!
//! Nothing is staged: a real vault, a real agent process, a real service that signs real requests
//! and sends them over TLS; what is shown was checked, and the demo fails if a check does.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use serde_json::json;
use strongroom::{
    audit,
    client::{CheckedAnswer, Draft, SigningKey},
    name::Name,
    operation::{Kind, OperationName},
    policy::{self, GrantOptions},
    service::key::PublicKey,
    store::sqlite::SqliteReader,
    vault::material::Material,
};
use tokio::process::{Child, Command as Process};
use zeroize::Zeroizing;

use super::{
    audit::{Feed, sentence},
    door::Door,
    prompt, vault,
};
use crate::{
    administration::Command,
    caller::{self, Caller},
    home::Home,
    listing::{SecretRow, Status},
    show::{self, BAD, GOOD, MILD, STRONG, say},
};

/// How long a step may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn demo() -> anyhow::Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("strongroom-demo-")
        .tempdir()?;
    let home = Home::apart(
        directory.path().join("vault"),
        directory.path().join("state"),
    );
    say!(
        "{STRONG}Strongroom{STRONG:#}: you keep the secrets; a service asks to use one; you decide, and you know each time."
    )?;
    say!(
        "{MILD}This is the whole story, for real, in {}. It ends by itself and leaves nothing.{MILD:#}",
        directory.path().display()
    )?;

    chapter(1, "You create a vault")?;
    let passphrase_file = directory.path().join("passphrase");
    write_passphrase(&passphrase_file)?;
    let passphrase = prompt::passphrase(Some(&passphrase_file), "")?;
    vault::create(&home, &passphrase)?;
    fs::write(home.config(), "[listen]\ntls = \"127.0.0.1:0\"\n")?;
    say!("  encrypted under a passphrase and a recovery key; `age` alone could open it")?;

    chapter(2, "You run the agent beside it")?;
    let mut agent = start_agent(&home, &passphrase_file)?;
    let told = story(&home, &passphrase_file, &mut agent).await;
    let stopped = stop(agent).await;
    let stayed = told?;
    stopped?;

    chapter(6, "Nobody can make that record disappear")?;
    let reader = SqliteReader::open(&home.store())?;
    let verified = audit::verify(&reader, &home.identity()?.checkpoint_vkey())?;
    say!(
        "  {GOOD}valid{GOOD:#}: {} entries under one signed Merkle root; change one byte, and this fails",
        verified.size
    )?;
    say!("  the key itself: {stayed}")?;
    drop(reader);
    directory
        .close()
        .context("the demo's directory could not be removed")?;

    say!()?;
    say!("{STRONG}Next{STRONG:#}, with a vault of your own:")?;
    say!(
        "  strongroom up                                     {MILD}# creates it, runs the agent, shows everything live{MILD:#}"
    )?;
    say!("  strongroom secret add NAME                        {MILD}# put a key in{MILD:#}")?;
    say!("  strongroom service add NAME --key FILE.pub        {MILD}# who may ask{MILD:#}")?;
    say!("  strongroom grant SERVICE OPERATION SECRET         {MILD}# for what{MILD:#}")?;
    Ok(())
}

/// Everything that needs the running agent. Gives back what became of the key's value.
async fn story(home: &Home, passphrase_file: &Path, agent: &mut Child) -> anyhow::Result<String> {
    let address = ready(home, passphrase_file, agent).await?;
    let mut feed = Feed::open(home, 0)?;
    say!(
        "  listening on https://{address}; it opens for this process's user only, and holds the keys in locked memory"
    )?;

    chapter(
        3,
        "You put a key in, enrol a service, and say what it may do",
    )?;
    let door = Door::open(home, Some(passphrase_file.to_owned()))?;
    let deploy_key: Name = "deploy-key".parse()?;
    let atlas: Name = "atlas".parse()?;
    let _: IgnoredAny = door
        .ask(|| Command::AddSecret {
            name: deploy_key.clone(),
            kind: Some(Kind::Ed25519),
            value: None,
            labels: Vec::new(),
            releasable: false,
            binding: None,
        })
        .await?;
    let (service_key, _) = SigningKey::generate()?;
    let enrolled = service_key.public_key().ssh("atlas");
    let _: IgnoredAny = door
        .ask(|| Command::AddService {
            name: atlas.clone(),
            keys: vec![enrolled.clone()],
        })
        .await?;
    let granted = policy::grant(&GrantOptions {
        service: atlas.clone(),
        operations: vec![OperationName::Sign],
        secrets: vec![deploy_key.clone()],
        aliases: Vec::new(),
        purpose: Some("release *".to_owned()),
        ticket: None,
        way_in: None,
        addresses: Vec::new(),
        particulars: Default::default(),
        times: Default::default(),
        limit: None,
        notify: None,
        approve: None,
    })?;
    let (name, text) = (
        granted.policy().name().clone(),
        granted.policy().text().to_owned(),
    );
    let _: IgnoredAny = door
        .ask(|| Command::SetPolicy {
            name: name.clone(),
            text: text.clone(),
        })
        .await?;
    for line in text.trim_end().lines() {
        say!("  {MILD}{line}{MILD:#}")?;
    }
    let secrets: Vec<SecretRow> = door.ask(|| Command::ListSecrets).await?;
    let public = secrets
        .iter()
        .flat_map(|row| &row.versions)
        .find_map(|version| version.public_key.as_deref())
        .context("the fresh key shows no public half")?;
    let public = PublicKey::parse(public)?;

    chapter(4, "The service asks, over TLS, with requests that it signs")?;
    let caller = Caller::new(&format!("https://{address}"), Some(&home.certificate()))?;
    let keys = caller::keys(&caller.introduction().await?)?;
    let message = b"release 4f2a of web";
    let draft = |purpose: &str| Draft {
        agent: keys.answers.thumbprint(),
        secret: deploy_key.clone(),
        operation: OperationName::Sign,
        input: json!({ "message": STANDARD.encode(message) }),
        purpose: Some(purpose.to_owned()),
        ticket: None,
        reply_to: None,
    };

    let signed = Caller::sign(&draft("release 4f2a"), &service_key)?;
    let CheckedAnswer::Result { result, proof } = caller.ask(&signed, &keys).await? else {
        bail!("the allowed request was refused");
    };
    let signature = result
        .get("signature")
        .and_then(|value| value.as_str())
        .context("no signature came back")?;
    if !public.verify(message, &STANDARD.decode(signature)?) {
        bail!("the signature that came back does not verify");
    }
    say!(
        "  {GOOD}allowed{GOOD:#}   sign 'release 4f2a': signature {}…",
        signature.get(..24).unwrap_or(signature)
    )?;
    say!(
        "  {MILD}          checked: the signature, the answer's own signature, the receipt for entry {}{MILD:#}",
        proof.index
    )?;

    let curious = Caller::sign(&draft("curiosity"), &service_key)?;
    expect_refusal(&caller, &keys, &curious, 403).await?;
    say!("  {BAD}denied{BAD:#}    sign 'curiosity': no policy allows that purpose")?;

    expect_refusal(&caller, &keys, &signed, 409).await?;
    say!("  {BAD}replayed{BAD:#}  the first request, byte for byte, once more: good once, ever")?;

    chapter(5, "You know each time")?;
    show_until(&mut feed, "noise").await?;

    door.close().await;
    Ok(
        "never left the agent; the service has a signature, a receipt, and nothing to lose"
            .to_owned(),
    )
}

async fn expect_refusal(
    caller: &Caller,
    keys: &strongroom::client::AgentKeys,
    signed: &strongroom::client::SignedRequest,
    status: u16,
) -> anyhow::Result<()> {
    match caller.ask(signed, keys).await? {
        CheckedAnswer::Refused(refusal) if refusal.status.as_u16() == status => Ok(()),
        other => bail!("expected a refusal with {status}, got {other:?}"),
    }
}

/// Shows notifications as they arrive, until one of this kind was among them.
async fn show_until(feed: &mut Feed, last: &str) -> anyhow::Result<()> {
    let show = async {
        let mut seen = false;
        while !seen {
            while let Some(page) = feed.next_page()? {
                for (_, notification) in page {
                    seen |= notification.kind == last;
                    sentence(&notification)?;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, show)
        .await
        .context("a notification did not arrive")?
}

fn chapter(number: u8, title: &str) -> anyhow::Result<()> {
    say!()?;
    say!("{STRONG}{number}. {title}{STRONG:#}")?;
    Ok(())
}

/// A passphrase that nobody will need again.
fn write_passphrase(path: &Path) -> anyhow::Result<()> {
    let passphrase: Zeroizing<Vec<u8>> = Material::generate(Kind::Token)?.to_stored();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    std::io::Write::write_all(&mut file, &passphrase)?;
    Ok(())
}

fn start_agent(home: &Home, passphrase_file: &Path) -> anyhow::Result<Child> {
    let program: PathBuf =
        std::env::current_exe().context("this program does not know where it is")?;
    Process::new(program)
        .arg("--home")
        .arg(home.directory())
        .arg("--passphrase-file")
        .arg(passphrase_file)
        .args(["agent", "--unlock"])
        .env("XDG_STATE_HOME", home.state())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the agent cannot be started")
}

/// Waits until the agent answers, unlocked; where it listens.
async fn ready(home: &Home, passphrase_file: &Path, agent: &mut Child) -> anyhow::Result<String> {
    let wait = async {
        loop {
            if let Some(status) = agent.try_wait()? {
                bail!("the agent ended at once: {status}");
            }
            if home.socket().exists() {
                let door = Door::open(home, Some(passphrase_file.to_owned()))?;
                let status: anyhow::Result<Status> = door.ask(|| Command::Status).await;
                if let Ok(Status {
                    unlocked: true,
                    listening: Some(address),
                    ..
                }) = status
                {
                    return Ok(address);
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("the agent did not get ready")?
}

/// SIGTERM, as systemd would; the agent finishes what it has begun.
async fn stop(mut agent: Child) -> anyhow::Result<()> {
    if let Some(pid) = agent
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw)
    {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    }
    let status = tokio::time::timeout(PATIENCE, agent.wait())
        .await
        .context("the agent did not stop")??;
    if !status.success() {
        show::remark("the agent did not stop cleanly");
    }
    Ok(())
}
