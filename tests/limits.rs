//! What the TLS port does to those who have not proved who they are: versions, paths, sizes,
//! times, floods, and client certificates. The peers are curl and `openssl s_client`.

use std::{
    fs,
    io::{BufRead as _, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, succeed, text};

mod certificates;

/// The status of one call, and its body.
fn call(agent: &Agent<'_>, path: &str, arguments: &[&str]) -> (u16, String) {
    let output = agent.curl(
        path,
        &[&["--write-out", "\n%{http_code}"], arguments].concat(),
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = told.rsplit_once('\n').unwrap();
    (
        status
            .parse()
            .unwrap_or_else(|_| panic!("{path}: {}", text(&output))),
        body.to_owned(),
    )
}

/// The same for a refusal: its status, and the problem's details.
fn refusal(agent: &Agent<'_>, path: &str, arguments: &[&str]) -> (u16, Value) {
    let (status, body) = call(agent, path, arguments);
    let details: Value =
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}, {status}: {body}"));
    assert_eq!(details["status"], status, "{details}");
    (status, details)
}

/// A TLS connection that stays open until its other end closes it, or this end is dropped.
struct Connection(Child);

impl Connection {
    fn open(agent: &Agent<'_>) -> Self {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error", "-CAfile"])
            .arg(agent.vault.certificate());
        command.args(["-connect", &agent.address]);
        Self(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    fn send(&mut self, text: &str) {
        self.0
            .stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// Reads until this has arrived.
    fn receive(&mut self, until: &str) {
        let mut received = Vec::new();
        while !String::from_utf8_lossy(&received).contains(until) {
            let mut byte = [0];
            let read = self.0.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(
                read,
                1,
                "closed after {:?}",
                String::from_utf8_lossy(&received)
            );
            received.push(byte[0]);
        }
    }

    fn is_closed(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn only_tls_1_3_is_spoken() {
    let vault = Vault::create();
    let agent = vault.agent();
    let handshake = |version: &str| {
        let mut command = Command::new("openssl");
        command
            .args([
                "s_client",
                version,
                "-brief",
                "-verify_return_error",
                "-CAfile",
            ])
            .arg(vault.certificate());
        command
            .args(["-connect", &agent.address])
            .stdin(Stdio::null());
        command.output().unwrap()
    };
    let accepted = handshake("-tls1_3");
    let told = text(&accepted);
    assert!(
        accepted.status.success() && told.contains("TLSv1.3") && told.contains("Verification: OK"),
        "{told}"
    );

    let refused = handshake("-tls1_2");
    assert!(
        !refused.status.success() && text(&refused).contains("alert protocol version"),
        "{}",
        text(&refused)
    );
}

#[test]
fn both_versions_of_http_are_served() {
    let vault = Vault::create();
    let agent = vault.agent();
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let output = agent.curl("/healthz", &[option, "--write-out", " %{http_version}"]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told, format!(r#"{{"status":"ok"}} {version}"#));
    }
}

#[test]
fn health_and_readiness_are_told_apart() {
    let vault = Vault::create();
    let agent = vault.locked_agent();
    assert_eq!(call(&agent, "/healthz", &[]).0, 200, "it runs");
    assert_eq!(
        call(&agent, "/readyz", &[]),
        (
            503,
            r#"{"recording":true,"suspended":false,"unlocked":false}"#.to_owned()
        )
    );
    vault.run(&["unlock"]);
    assert_eq!(
        call(&agent, "/readyz", &[]),
        (
            200,
            r#"{"recording":true,"suspended":false,"unlocked":true}"#.to_owned()
        )
    );
}

#[test]
fn what_is_no_request_is_refused_in_a_form_that_programs_read() {
    let vault = Vault::create();
    let agent = vault.agent();
    for version in ["--http1.1", "--http2"] {
        let (status, details) = refusal(&agent, "/no/such/path", &[version]);
        assert_eq!(
            (status, details["type"].as_str()),
            (404, Some("urn:strongroom:problem:not-found"))
        );

        let (status, details) = refusal(&agent, "/v1/access", &[version]);
        assert_eq!(
            (status, details["type"].as_str()),
            (405, Some("urn:strongroom:problem:method-not-allowed"))
        );
        let headers = agent.curl(
            "/v1/access",
            &[version, "--dump-header", "-", "--output", "/dev/null"],
        );
        let headers = String::from_utf8(headers.stdout).unwrap().to_lowercase();
        assert!(headers.contains("allow: post"), "{headers}");
        assert!(
            headers.contains("content-type: application/problem+json"),
            "{headers}"
        );
        assert!(headers.contains("cache-control: no-store"), "{headers}");

        let text_plain = [
            "--data",
            "{}",
            "--header",
            "content-type: text/plain",
            version,
        ];
        assert_eq!(refusal(&agent, "/v1/access", &text_plain).0, 400);
        let json = ["--json", "{}", version];
        assert_eq!(refusal(&agent, "/v1/access", &json).0, 400);
    }
}

#[test]
fn administration_is_not_reachable_from_outside() {
    let vault = Vault::create();
    let agent = vault.agent();
    let status = r#"{"passphrase": null, "command": {"do": "status"}}"#;
    assert_eq!(refusal(&agent, "/v1/admin", &["--json", status]).0, 404);
    assert_eq!(
        refusal(&agent, "/v1/admin", &[]).0,
        404,
        "as any path that is not there"
    );

    // The very same call, over the owner's socket.
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--fail", "--json", status, "--unix-socket"])
        .arg(vault.home().join("agent.sock"));
    let told = succeed({
        command.arg("http://localhost/v1/admin");
        command
    });
    assert!(told.contains(r#""outcome":"done""#), "{told}");
}

#[test]
fn bodies_and_headers_have_a_bound() {
    let vault = Vault::create();
    let agent = vault.agent();
    let of_size = |size: usize| {
        let path = vault.path().join(format!("body-{size}"));
        fs::write(&path, vec![b' '; size]).unwrap();
        format!("@{}", path.display())
    };
    let (fits, too_large) = (of_size(64 << 10), of_size((14 << 20) + 1));
    for version in ["--http1.1", "--http2"] {
        let with_length =
            |body: &str| refusal(&agent, "/v1/access", &["--data-binary", body, version]);
        assert_eq!(with_length(&fits).0, 400, "read to its end, and no request");
        assert_eq!(with_length(&too_large).0, 413);
        // Of what nobody has signed, no more is read. Without a length, that is found on the way.
        let large = of_size((64 << 10) + 1);
        let chunked = [
            "--header",
            "transfer-encoding: chunked",
            "--data-binary",
            &large,
            version,
        ];
        for told in [with_length(&large), refusal(&agent, "/v1/access", &chunked)] {
            assert_eq!(told.0, 400);
            assert_eq!(
                told.1["detail"],
                "there is no signature labelled `strongroom`"
            );
        }

        let header = format!("x-large: {}", "x".repeat(20 * 1024));
        let refused = call(&agent, "/healthz", &["--header", &header, version]).0;
        // Over HTTP/1.1 the connection is closed on a sender who goes on sending, and curl may
        // find that before it reads the answer.
        assert!(
            refused == 431 || version == "--http1.1" && refused == 0,
            "{version}: {refused}"
        );
        assert_eq!(
            call(&agent, "/healthz", &[version]).0,
            200,
            "and the agent is well"
        );
    }
}

#[test]
fn a_large_body_is_read_of_services_only() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "mac-key", "--kind", "hmac"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "mac", "mac-key"]);
    let stranger = vault.service_key("stranger", "ed25519");
    let agent = vault.agent();
    let mac = |key: &std::path::Path, bytes: usize| {
        let message = "A".repeat(bytes);
        let body = json!({"secret": "mac-key", "operation": "mac", "input": {"message": message}});
        agent.python_large(key, &body)
    };
    assert_eq!(mac(&key, 900_000)["status"], 200);
    // Only `http` takes more.
    let told = mac(&key, 2_000_000);
    assert_eq!(told["status"], 413, "{told}");
    // It is found out who that is, or is not, before the body is read.
    let told = mac(&stranger, 2_000_000);
    assert_eq!(told["status"], 401, "{told}");
    vault.run(&["service", "suspend", "atlas"]);
    let told = mac(&key, 900_000);
    assert_eq!(told["status"], 401, "{told}");

    agent.stop();
    let noise: Vec<_> = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["kind"] == "noise")
        .map(|entry| entry["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(noise, ["too-large", "unknown-key", "suspended"]);
}

#[test]
fn when_too_much_is_held_a_large_body_is_refused_and_a_small_one_is_not() {
    let vault = Vault::create();
    vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n[limits]\nheld = 16777216\n");
    vault.run(&["secret", "generate", "mac-key", "--kind", "hmac"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "mac", "mac-key"]);
    let agent = vault.agent();

    // Bodies that were announced, and whose senders take their time: all the room is theirs.
    let mut slow = crate::support::python();
    slow.arg(crate::support::script("slow_bodies.py"))
        .args(["--agent", &agent.url(), "--count", "18", "--cacert"])
        .arg(vault.certificate())
        .arg("--key")
        .arg(&key);
    let mut slow = slow
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let mut told = std::io::BufReader::new(slow.stdout.take().unwrap());
    told.read_line(&mut ready).unwrap();
    assert_eq!(ready, "sending\n");
    let mac = |bytes: usize| {
        let message = "A".repeat(bytes);
        let body = json!({"secret": "mac-key", "operation": "mac", "input": {"message": message}});
        agent.python_large(&key, &body)
    };
    eventually("all the room is taken", || mac(900_000)["status"] == 429);
    assert_eq!(mac(1000)["status"], 200, "a small one takes none of it");

    // They go away, and give it back.
    drop(slow.stdin.take());
    assert!(slow.wait().unwrap().success());
    eventually("there is room again", || mac(900_000)["status"] == 200);
}

#[test]
fn who_is_slow_is_cut_off() {
    let vault = Vault::create();
    vault.configure(
        "[listen]\ntls = \"127.0.0.1:0\"\n[limits]\nfirst_byte_seconds = 1\nrequest_seconds = 1\n",
    );
    let agent = vault.agent();

    let mut no_handshake = TcpStream::connect(&agent.address).unwrap();
    let mut half_a_header = Connection::open(&agent);
    half_a_header.send("POST /v1/access HTTP/1.1\r\nHost: loc");
    let mut half_a_body = Connection::open(&agent);
    half_a_body.send("POST /v1/access HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");

    half_a_body.receive("408 Request Timeout");
    assert_eq!(
        no_handshake.read(&mut [0]).unwrap(),
        0,
        "closed without a word"
    );
    eventually("a connection whose headers do not end is closed", || {
        half_a_header.is_closed()
    });
}

#[test]
fn no_more_connections_are_served_than_the_limit_says() {
    let vault = Vault::create();
    vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n[limits]\nconnections = 2\n");
    let agent = vault.agent();
    let mut held = [Connection::open(&agent), Connection::open(&agent)];
    for connection in &mut held {
        connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        connection.receive(r#"{"status":"ok"}"#);
    }
    // Whoever comes now waits; this one does not wait for long.
    let third = agent.curl("/healthz", &["--max-time", "1"]);
    assert_eq!(third.status.code(), Some(28), "{}", text(&third));
    // The owner's socket is not behind that limit.
    assert_eq!(vault.json(&["status"])["unlocked"], true);

    drop(held);
    eventually("a free place is taken by whoever comes next", || {
        agent
            .curl("/healthz", &["--max-time", "10"])
            .status
            .success()
    });
}

#[test]
fn a_flood_of_bad_requests_makes_few_entries() {
    const REQUESTS: u64 = 300;
    let vault = Vault::create();
    let agent = vault.agent();
    let before = vault.entries().len();
    let output = agent.curl(
        &format!("/v1/access?n=[1-{REQUESTS}]"),
        &["--json", "{}", "--write-out", "\n%{http_code}\n"],
    );
    let refused = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| *line == "400")
        .count() as u64;
    assert_eq!(refused, REQUESTS);

    agent.stop();
    let entries = vault.entries();
    let noise: Vec<_> = entries[before..]
        .iter()
        .filter(|entry| entry["kind"] == "noise")
        .collect();
    assert_eq!(
        noise
            .iter()
            .map(|entry| entry["count"].as_u64().unwrap())
            .sum::<u64>(),
        REQUESTS,
        "{noise:?}"
    );
    // The first at once, then one for each minute that it took, then the rest when the agent stopped.
    assert!(noise.len() <= 5, "{noise:?}");
    assert!(
        noise
            .iter()
            .all(|entry| entry["reason"] == "malformed" && entry["address"] == "127.0.0.1"),
        "{noise:?}"
    );
}
