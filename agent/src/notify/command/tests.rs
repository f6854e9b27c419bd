use std::{fs, path::Path};

use serde_json::Value;
use strongroom::notification::Fact;
use tempfile::TempDir;

use super::*;
use crate::notify::syslog::tests::notification;

/// Runs this in `sh`, with the notification.
async fn tell(script: &str, seconds: u64, notification: &Notification) -> Result<(), String> {
    let program = ["sh", "-c", script].map(str::to_owned).to_vec();
    let command = Command {
        program,
        timeout: Duration::from_secs(seconds),
    };
    let delivered = command.deliver(notification).await;
    delivered.map_err(|error| format!("{error:#}"))
}

fn hostile() -> Notification {
    let text = "\u{1b}[2J $(touch /tmp/x) `id` \"'\\\n\u{202e}";
    let fact = Fact {
        label: "purpose".to_owned(),
        text: text.repeat(20_000),
    };
    notification(text, vec![fact])
}

#[tokio::test]
async fn a_program_gets_all_of_it_on_standard_input() {
    let directory = TempDir::new().unwrap();
    let told = directory.path().join("told");
    let script = format!("cat > {}", told.display());
    tell(&script, 60, &hostile()).await.unwrap();
    let text = fs::read_to_string(&told).unwrap();
    assert_eq!(text.matches('\n').count(), 1);
    let back: Notification = serde_json::from_str(&text).unwrap();
    assert_eq!(back, hostile());
}

#[tokio::test]
async fn a_failure_says_its_status_and_its_last_words() {
    let told = hostile();
    for (script, said) in [
        ("exit 3", "exit status: 3"),
        (
            "echo one >&2; echo two >&2; echo >&2; exit 1",
            "exit status: 1: two",
        ),
        (
            r"printf 'a\033[2J\302\205\342\200\256b\rc' >&2; exit 1",
            r"exit status: 1: a\u{1b}[2J\u{85}\u{202e}b\rc",
        ),
        ("kill -TERM $$", "signal: 15 (SIGTERM)"),
    ] {
        let error = tell(script, 60, &told).await.unwrap_err();
        assert_eq!(error, format!("`sh` failed: {said}"));
    }
    // A flood is read, and only its end is kept.
    let flood = "yes no | head -c 3000000 >&2; head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1";
    let error = tell(flood, 60, &told).await.unwrap_err();
    assert!(error.ends_with("xxx…") && error.len() < 400, "{error}");
    // Success is success, whatever was said.
    tell("echo hm >&2", 60, &told).await.unwrap();
}

#[tokio::test]
async fn a_program_that_hangs_is_stopped_with_what_it_started() {
    let directory = TempDir::new().unwrap();
    let pid = directory.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let error = tell(&script, 1, &notification("x", Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(error, "`sh` took longer than 1 s and was stopped");
    let pid = fs::read_to_string(&pid).unwrap();
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    // Gone, or waiting for somebody to notice.
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Something that goes on holds the program's standard error open; it is not waited for.
#[tokio::test]
async fn what_a_program_leaves_behind_holds_nobody_up() {
    let directory = TempDir::new().unwrap();
    let pid = directory.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}", pid.display());
    let told = tell(&script, 60, &notification("x", Vec::new())).await;
    let pid = fs::read_to_string(&pid).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    told.unwrap();
}

#[tokio::test]
async fn the_environment_is_not_passed_on() {
    let directory = TempDir::new().unwrap();
    let told = directory.path().join("told");
    // Cargo puts a lot into the environment of a test.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    let script = format!("cat > /dev/null; env > {}", told.display());
    tell(&script, 60, &notification("x", Vec::new()))
        .await
        .unwrap();
    let text = fs::read_to_string(&told).unwrap();
    for line in text.lines() {
        let name = line.split('=').next();
        // These the shell sets itself.
        let own = matches!(name, Some("PWD" | "OLDPWD" | "SHLVL" | "_"));
        assert!(own || is_passed_on(name), "{line}");
    }
    assert!(text.contains("PATH="));
    assert!(!is_passed_on(Some("STRONGROOM_HOME")) && !is_passed_on(Some("SSH_AUTH_SOCK")));
}

#[test]
fn settings_are_checked() {
    for (text, good) in [
        ("program = ['a', 'b']", true),
        ("program = ['a']\ntimeout_seconds = 3600", true),
        ("program = []", false),
        ("program = ['']", false),
        ("program = ['a']\ntimeout_seconds = 0", false),
        ("program = ['a']\ntimeout_seconds = 3601", false),
    ] {
        let settings: Settings = toml::from_str(&format!("name = 'c'\n{text}")).unwrap();
        assert_eq!(settings.check().is_ok(), good, "{text}");
    }
    let line: Value = serde_json::json!(last_line(b"\n \n"));
    assert!(line.is_null());
}
