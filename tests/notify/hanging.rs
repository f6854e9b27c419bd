//! Receivers that take a connection, or a notification, and then do nothing: nobody waits for them.

use std::{net::TcpListener, os::unix::net::UnixListener, path::Path};

use super::{sign, vault_that_tells, webhook_channel};
use crate::support::eventually;

/// A channel of each kind that hangs in a way of its own: at the connection, at the answer, or in
/// the middle of a program.
fn hanging_command() -> String {
    "[[notify]]\nname = \"program\"\nkind = \"command\"\nprogram = [\"sleep\", \"600\"]\n"
        .to_owned()
}

fn hanging_desktop(bus: &Path) -> String {
    format!(
        "[[notify]]\nname = \"desktop\"\nkind = \"desktop\"\nbus = \"unix:path={}\"\n",
        bus.display()
    )
}

#[test]
fn channels_that_hang_hold_up_neither_the_start_nor_an_answer_nor_the_stop() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bus = None;
    let (vault, key) = vault_that_tells(|vault| {
        let path = vault.path().join("bus");
        bus = Some(UnixListener::bind(&path).unwrap());
        [
            webhook_channel(vault, web.local_addr().unwrap().port()),
            hanging_command(),
            hanging_desktop(&path),
        ]
        .concat()
    });
    let agent = vault.agent();
    // All of them wait for these from now on.
    let _web = web.accept().unwrap();
    let _bus = bus.unwrap().accept().unwrap();
    for release in 0..3 {
        sign(&agent, &key, &format!("release {release}"));
    }
    let rows = vault.json(&["notify", "list"]);
    let size = vault.entries().len();
    for row in rows.as_array().unwrap() {
        let delivered = row["delivered"].as_u64().unwrap() as usize;
        assert!(delivered + 3 < size, "nothing is delivered: {row}");
    }
    agent.stop();
    assert!(!vault.home().join("agent.sock").exists());
}

#[test]
fn a_channel_that_hangs_when_it_is_tested_keeps_no_other_from_its_test() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let (vault, _) = vault_that_tells(|vault| {
        let told = vault.path().join("told");
        let works = format!(
            "[[notify]]\nname = \"works\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", 'cat >> \"$0\"', \"{}\"]\n",
            told.display()
        );
        webhook_channel(vault, web.local_addr().unwrap().port()) + &works
    });
    let _agent = vault.agent();
    let mut test = vault.command(&["notify", "test"]).spawn().unwrap();
    eventually("the one that works has its test", || {
        std::fs::read_to_string(vault.path().join("told"))
            .is_ok_and(|told| told.matches("this is a test").count() >= 2)
    });
    test.kill().unwrap();
    test.wait().unwrap();
}
