use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::notify::syslog::tests::notification;

fn channel(path: &Path) -> File {
    let text = format!("name = 'log'\npath = '{}'", path.display());
    File::open(&toml::from_str(&text).unwrap()).unwrap()
}

async fn deliver(file: &File, sentence: &str) -> anyhow::Result<()> {
    file.deliver(&notification(sentence, Vec::new())).await
}

fn sentences(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| {
            let of: Value = serde_json::from_str(line).unwrap();
            of["sentence"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// What a crash leaves of a line, byte by byte: the same line comes again, and is there once.
#[tokio::test]
async fn a_line_that_was_cut_off_anywhere_is_completed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("told");
    deliver(&channel(&path), "first").await.unwrap();
    let first = fs::metadata(&path).unwrap().len();
    deliver(&channel(&path), "second").await.unwrap();
    let whole = fs::read(&path).unwrap();
    let begin = usize::try_from(first).unwrap();
    for end in begin..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        deliver(&channel(&path), "second").await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{end}");
    }
    // The first line of a file too.
    for end in 0..begin {
        fs::write(&path, &whole[..end]).unwrap();
        deliver(&channel(&path), "first").await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole[..begin], "{end}");
    }
}

/// What somebody else left, or zeros of a file system that lost the end of a file.
#[tokio::test]
async fn what_does_not_fit_gets_an_end_of_its_own() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("told");
    let long = vec![b'x'; 100_000];
    for tail in [&b"{\"id\":\"ot"[..], &[0; 700], b"x", &long] {
        fs::write(&path, [b"{\"sentence\":\"first\"}\n", tail].concat()).unwrap();
        deliver(&channel(&path), "second").await.unwrap();
        let written = fs::read(&path).unwrap();
        let lines: Vec<_> = written.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[1], tail);
        let second: Value = serde_json::from_slice(lines[2]).unwrap();
        assert_eq!(second["sentence"], "second");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_made_anew() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("told");
    let file = channel(&path);
    deliver(&file, "first").await.unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let old = directory.path().join("told.1");
    fs::rename(&path, &old).unwrap();
    deliver(&file, "second").await.unwrap();
    fs::remove_file(&path).unwrap();
    deliver(&file, "third").await.unwrap();
    assert_eq!(sentences(&old), ["first"]);
    assert_eq!(sentences(&path), ["third"]);
    // Emptied, as `copytruncate` does it.
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    deliver(&file, "fourth").await.unwrap();
    assert_eq!(sentences(&path), ["fourth"]);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let directory = TempDir::new().unwrap();
    for path in [directory.path(), Path::new("/dev/null")] {
        assert!(deliver(&channel(path), "x").await.is_err());
    }
    let missing = directory.path().join("no/such/directory");
    let error = deliver(&channel(&missing), "x").await.unwrap_err();
    assert!(format!("{error:#}").contains("No such file"), "{error:#}");
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert!(deliver(&channel(&pipe), "x").await.is_err());
}

#[tokio::test]
async fn two_writers_do_not_mix_their_lines() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("told");
    let (one, other) = (channel(&path), channel(&path));
    for _ in 0..20 {
        deliver(&one, "one").await.unwrap();
        deliver(&other, "other").await.unwrap();
    }
    assert_eq!(sentences(&path), ["one", "other"].repeat(20));
}

#[test]
fn a_line_shows_nothing_that_a_terminal_obeys() {
    let mut told = notification("plain ü 漢字 \u{1F512}", Vec::new());
    let hostile = "\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2028}\u{e0041}\n\"\\";
    told.entry = Value::from(hostile);
    let text = String::from_utf8(line(&told).unwrap()).unwrap();
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.trim_end().chars().any(|of| of.is_control()), "{text}");
    for character in ['\u{202e}', '\u{2028}', '\u{e0041}'] {
        assert!(!text.contains(character), "{text}");
    }
    assert!(text.contains("plain ü 漢字 \u{1F512}"), "{text}");
    let back: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(back["entry"], hostile);
}

#[test]
fn an_event_is_made_of_any_entry() {
    let mut told = notification("x", Vec::new());
    let mut class = |kind: &str, entry: Value| {
        told.kind = kind.to_owned();
        told.entry = entry;
        ocsf::event(&told)["class_uid"].as_u64().unwrap()
    };
    assert_eq!(class("unreadable", Value::from("{")), 2004);
    assert_eq!(class("digest", serde_json::json!({"count": 3})), 0);
    assert_eq!(class("of-tomorrow", serde_json::json!({})), 0);
}

/// The file that stays open is looked at before each line, not only when it is opened.
#[tokio::test]
async fn a_partial_line_is_completed_in_a_file_that_stays_open() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("told");
    let file = channel(&path);
    deliver(&file, "first").await.unwrap();
    let mut other = OpenOptions::new().append(true).open(&path).unwrap();
    let line = line(&notification("second", Vec::new())).unwrap();
    other.write_all(&line[..20]).unwrap();
    deliver(&file, "second").await.unwrap();
    assert_eq!(sentences(&path), ["first", "second"]);
}
