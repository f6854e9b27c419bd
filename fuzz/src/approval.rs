//! Approvals: what was signed, the signature, and a request that waits.

use std::str;

use strongroom::approval::{
    ApproverKey, NAMESPACE, Shown, SshSignature, Statement, Verdict, Waiting,
};

use super::assert_harmless;

/// An approver's key; nothing here is signed with it.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

/// The line that an approver signs.
pub fn statement(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let statement = match Statement::parse(text) {
        Ok(statement) => statement,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    // There is one text for it, and one reading of the text.
    assert_eq!(statement.to_line(), text);
    assert_eq!(serde_json_canonicalizer::pipe(text).unwrap(), text);
    let again = Statement::new(
        statement.agent().clone(),
        statement.id(),
        statement.entry(),
        statement.decision(),
        statement.minutes(),
    );
    assert_eq!(again.as_ref(), Ok(&statement));
    assert!(statement.minutes().is_none() || statement.decision() == Verdict::Approve);
    if let Some(shown) = Shown::of_line(statement.id(), statement.entry()) {
        assert_eq!(shown.line, statement.entry());
    }
    true
}

/// An armored SSHSIG.
pub fn ssh_signature(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let signature = match SshSignature::parse(text) {
        Ok(signature) => signature,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    let written = signature.to_text();
    assert_eq!(SshSignature::parse(&written).as_ref(), Ok(&signature));
    assert!(signature.fingerprint().starts_with("SHA256:"));
    drop(format!("{signature:?}"));
    let key = ApproverKey::parse(KEY).unwrap();
    assert!(
        signature
            .verify(&key, NAMESPACE, b"nobody signed this")
            .is_err()
    );
    true
}

/// What is stored of a request while it waits, once it is opened.
pub fn waiting(data: &[u8]) -> bool {
    let waiting = match Waiting::parse(data) {
        Ok(waiting) => waiting,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    let written = waiting.to_bytes().unwrap();
    let again = Waiting::parse(&written).unwrap();
    assert_eq!(again.to_bytes().unwrap(), written);
    true
}
