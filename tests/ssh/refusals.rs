//! What is not signed and not certified.

use super::*;

/// The status and the detail of a request.
fn ask(
    agent: &Agent<'_>,
    service: &Path,
    secret: &str,
    operation: &str,
    input: &Value,
) -> (u64, String) {
    let body = json!({"secret": secret, "operation": operation, "input": input});
    let told = agent.python(service, &body, &[]);
    let detail = told["answer"]["detail"].as_str().unwrap_or_default();
    (told["status"].as_u64().unwrap(), detail.to_owned())
}

#[test]
fn certificates_are_issued_within_policy_and_binding_only() {
    let story = Story::new("ed25519", json!({}));
    let vault = &story.vault;
    // A policy that looks into what is asked for, in place of the grant.
    vault.run(&["policy", "retire", "atlas-ssh-certificate-ssh-ca"]);
    vault.run_with_input(
        &["policy", "set", "deployers", "-"],
        br#"permit (principal == Service::"atlas", action == Action::"ssh-certificate", resource)
            when {
                ["deploy", "web-1"].containsAll(context.ssh_certificate.principals) &&
                context.ssh_certificate.lifetime <= 600 &&
                context.ssh_certificate.key_id like "vault:*" &&
                !context.ssh_certificate.extensions.contains("permit-user-rc") &&
                context.ssh_certificate.critical_options.hasTag("force-command")
            };"#,
    );
    let agent = vault.agent();
    let status = |more: Value| {
        let forced = json!({"force-command": "deploy"});
        let mut input = story.input(&more);
        if input.get("critical_options").is_none() {
            input["critical_options"] = forced;
        }
        ask(&agent, &story.service, "ssh-ca", "ssh-certificate", &input)
    };
    assert_eq!(status(json!({})).0, 200);
    assert_eq!(status(json!({"principals": ["web-1"]})).0, 200);
    for denied in [
        json!({"principals": ["deploy", "web-2"]}),
        json!({"lifetime": 601}),
        json!({"critical_options": {}}),
        // Policy is asked first: what a binding says is not told to whom it does not permit.
        json!({"principals": ["root"]}),
    ] {
        let (code, detail) = status(denied.clone());
        assert_eq!(code, 403, "{denied}: {detail}");
    }
    let (code, detail) = status(json!({"extensions": ["permit-X11-forwarding"]}));
    assert_eq!(code, 422);
    assert!(detail.contains("it allows `permit-pty`"), "{detail}");
    for malformed in [
        json!({"principals": []}),
        json!({"principals": "deploy"}),
        json!({"lifetime": 0}),
        json!({"public_key": "ssh-ed25519 AAAA"}),
        json!({"critical_options": {"no-such": ""}}),
        json!({"extensions": ["permit-all"]}),
        json!({"valid_before": 1}),
    ] {
        assert_eq!(status(malformed.clone()).0, 400, "{malformed}");
    }
    let entries = vault.entries();
    let refusal = entries
        .iter()
        .rev()
        .find(|entry| entry["reason"] == "denied");
    assert_eq!(
        refusal.unwrap()["ask"]["fields"]["principals"],
        json!(["root"])
    );
}

#[test]
fn a_key_is_an_authority_only_if_its_owner_says_so() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let holder = vault.service_key("holder", "ed25519");
    let public = fs::read_to_string(holder.with_extension("pub")).unwrap();
    let certify = json!({"public_key": public, "principals": ["deploy"], "lifetime": 60});
    let git = json!({"message": "aGk=", "namespace": "git"});
    for (name, kind) in [("key", "ed25519"), ("curve", "p384"), ("mac", "hmac")] {
        vault.run(&["secret", "generate", name, "--kind", kind]);
        vault.run(&["grant", "atlas", "ssh-sign,ssh-certificate,sign", name]);
    }
    let agent = vault.agent();
    let status = |secret: &str, operation: &str, input: &Value| {
        ask(&agent, &service, secret, operation, input)
    };
    let bare = json!({"message": "aGk="});
    assert_eq!(status("key", "sign", &bare).0, 200);
    for (operation, input) in [("ssh-sign", &git), ("ssh-certificate", &certify)] {
        for secret in ["key", "curve", "mac"] {
            let (code, detail) = status(secret, operation, input);
            assert_eq!(code, 422, "{secret}, {operation}");
            assert!(
                detail.contains(if secret == "key" { "binding" } else { "kind" }),
                "{detail}"
            );
        }
    }

    // An authority signs no files and no bare messages, and a signer certifies nothing.
    let authority = json!({"certificate": {"principals": ["deploy"], "max_lifetime": 60}});
    bind(&vault, "key", &json!({ "ssh": authority }));
    assert_eq!(status("key", "ssh-certificate", &certify).0, 200);
    assert_eq!(status("key", "ssh-sign", &git).0, 422);
    assert_eq!(status("key", "sign", &bare).0, 422);
    let signer = json!({"sign": {"namespaces": ["git"]}});
    bind(&vault, "key", &json!({ "ssh": signer }));
    assert_eq!(status("key", "ssh-certificate", &certify).0, 422);
    assert_eq!(status("key", "ssh-sign", &git).0, 200);
    assert_eq!(
        status(
            "key",
            "ssh-sign",
            &json!({"message": "", "namespace": "file"})
        )
        .0,
        422
    );
    assert_eq!(status("key", "ssh-sign", &json!({"message": ""})).0, 400);
    assert_eq!(
        status("key", "ssh-sign", &json!({"message": "", "namespace": ""})).0,
        400
    );
    let stranger = vault.enrol("borg");
    assert_eq!(ask(&agent, &stranger, "key", "ssh-sign", &git).0, 403);

    // A binding that can't be meant is not set.
    let wrong = vault.path().join("wrong.json");
    let far = json!({"ssh": {"certificate": {"principals": ["*"], "max_lifetime": 86_401}}});
    fs::write(&wrong, far.to_string()).unwrap();
    let told = vault.fail(
        1,
        &["secret", "bind", "key", "--file", wrong.to_str().unwrap()],
    );
    assert!(told.contains("must be 1 to 86400 seconds"), "{told}");
}
