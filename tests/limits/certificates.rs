//! Certificates on the TLS port: the services' and the owner's own, all made by openssl.

use std::process::Command;

use super::call;
use crate::support::{Vault, authority::Authority, text};

#[test]
fn client_certificates_are_demanded_where_the_owner_wants_them() {
    let vault = Vault::create();
    let authority = Authority::create(vault.path(), "clients");
    let (certificate, key) = authority.sign("atlas-machine", "extendedKeyUsage=clientAuth");
    let stranger = Authority::create(vault.path(), "somebody-else");
    let (other_certificate, other_key) =
        stranger.sign("other-machine", "extendedKeyUsage=clientAuth");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\nclient_ca = \"{}\"\n",
        authority.certificate()
    ));
    let agent = vault.agent();

    assert_eq!(
        call(&agent, "/readyz", &["--cert", &certificate, "--key", &key]).0,
        200
    );
    let without = agent.curl("/readyz", &[]);
    assert!(
        !without.status.success() && without.stdout.is_empty(),
        "{}",
        text(&without)
    );
    let with_another = agent.curl(
        "/readyz",
        &["--cert", &other_certificate, "--key", &other_key],
    );
    assert!(
        !with_another.status.success() && with_another.stdout.is_empty(),
        "{}",
        text(&with_another)
    );
}

#[test]
fn the_owner_can_bring_a_certificate() {
    let vault = Vault::create();
    let authority = Authority::create(vault.path(), "company");
    let (certificate, key) =
        authority.sign("strongroom.example.com", "subjectAltName=IP:127.0.0.1");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
    ));
    let agent = vault.agent();
    let trusting = |cacert: &str| {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--noproxy",
            "*",
            "--fail",
            "--cacert",
            cacert,
            &format!("{}/readyz", agent.url()),
        ]);
        command.output().unwrap()
    };
    assert!(trusting(&authority.certificate()).status.success());
    assert!(
        !trusting(vault.certificate().to_str().unwrap())
            .status
            .success(),
        "the agent's own is not shown any more"
    );
}
