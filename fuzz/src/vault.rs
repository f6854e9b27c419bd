//! What is read from the disk: the chain of records, the root in a slot, the passphrase stanza.

use std::{str, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use signed_note::{Note, StandardSigner};
use strongroom::{
    store::{StoredRecord, StoredSlot},
    vault::{Catalog, RecoveryKey, Vault, argon2id::Argument},
};

use super::published::{AGE, NOW, OWNER, OWNER_PRIVATE};

static SIGNER: LazyLock<StandardSigner> =
    LazyLock::new(|| StandardSigner::new(OWNER_PRIVATE).unwrap());

/// The record that begins a vault of the published owner key.
pub fn beginning() -> String {
    let recipient = AGE.parse::<age::x25519::Identity>().unwrap().to_public();
    format!(r#"{{"format":1,"owner":"{OWNER}","recipient":"{recipient}","type":"vault-created"}}"#)
}

/// A chain over these records, whatever they say, signed by the published owner key.
pub fn chain<'a>(records: impl Iterator<Item = &'a str>) -> Vec<StoredRecord> {
    let mut chain: Vec<StoredRecord> = Vec::new();
    for (record, seq) in records.zip(1..) {
        let previous = chain.last().map(|before| {
            let hash = digest(&SHA256, before.body.as_bytes());
            let hex: String = hash
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(r#""previous":"{hex}","#)
        });
        let time = Timestamp::from_second(NOW).unwrap();
        let previous = previous.unwrap_or_default();
        let body = format!(r#"{{{previous}"record":{record},"seq":{seq},"time":"{time}"}}"#);
        chain.push(StoredRecord {
            seq,
            signature: signature(&body).unwrap_or_default(),
            body,
        });
    }
    chain
}

/// The line that signs a record; not every text can be signed.
fn signature(body: &str) -> Option<String> {
    let mut note = Note::new(format!("{body}\n").as_bytes(), &[]).ok()?;
    note.add_sigs(&[&*SIGNER]).ok()?;
    let note = String::from_utf8(note.to_bytes()).ok()?;
    note.lines().next_back().map(str::to_owned)
}

/// Records, one a line, which the owner signs; or after a line `raw`, each record's line with its
/// signature's line as they are stored. Taken if they add up to a vault.
pub fn records(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let records = match text.strip_prefix("raw\n") {
        Some(raw) => {
            let lines: Vec<&str> = raw.split('\n').collect();
            let pairs = lines.as_chunks::<2>().0.iter().zip(1..);
            let stored = |([body, signature], seq): (&[&str; 2], u64)| StoredRecord {
                seq,
                body: (*body).to_owned(),
                signature: (*signature).to_owned(),
            };
            pairs.map(stored).collect()
        }
        None => chain(text.lines()),
    };
    let whole = match Catalog::load(&records) {
        Ok(catalog) => catalog,
        Err(why) => {
            assert!(why.number >= 1 && why.number <= records.len().max(1) as u64);
            return false;
        }
    };
    assert_eq!(whole.newest_record(), records.len() as u64);
    // One by one comes to the same, where no policy was written for another schema.
    let (first, rest) = records.split_at(1);
    let one_by_one = rest
        .iter()
        .try_fold(Catalog::load(first).unwrap(), |catalog, record| {
            catalog.extend(std::slice::from_ref(record))
        });
    if let Ok(catalog) = one_by_one {
        assert_eq!(summary(&catalog), summary(&whole));
    }
    true
}

/// What a catalog holds, without what has no order.
fn summary(catalog: &Catalog) -> String {
    let secrets = catalog.secrets().map(|secret| {
        let versions: Vec<_> = secret
            .versions()
            .map(|version| (version, version.public_key.clone()))
            .collect();
        format!(
            "{} {} {:?} {} {} {versions:?}",
            secret.name, secret.kind, secret.labels, secret.releasable, secret.retired
        )
    });
    let services = catalog.enrolled().map(|service| format!("{service:?}"));
    let policies = catalog.policy_texts().map(|policy| {
        let in_force = catalog.policies().policy(&policy.name).is_some();
        format!(
            "{} {} {} {in_force} {}",
            policy.name,
            policy.version,
            policy.retired,
            policy.text.text()
        )
    });
    let aliases = catalog.aliases().map(|alias| format!("{alias:?}"));
    secrets
        .chain(services)
        .chain(policies)
        .chain(aliases)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The plaintext of a slot; or after a line `raw`, the slot as it is stored. Taken if it unlocks
/// the vault of the published owner key.
pub fn root(data: &[u8]) -> bool {
    static FIRST: LazyLock<Vec<StoredRecord>> =
        LazyLock::new(|| chain([beginning().as_str()].into_iter()));
    let recovery: RecoveryKey = AGE.parse().unwrap();
    let root = match data.strip_prefix(b"raw\n") {
        Some(raw) => raw.to_vec(),
        None => {
            let recipient = AGE.parse::<age::x25519::Identity>().unwrap().to_public();
            age::encrypt(&recipient, data).unwrap()
        }
    };
    let slot = StoredSlot {
        name: "recovery".to_owned(),
        kind: "recovery-key".to_owned(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        root,
    };
    let vault = Vault::open(&FIRST).unwrap();
    match vault.unlock_with_recovery_key(&[slot], &recovery) {
        Ok(()) => {
            assert!(vault.is_unlocked());
            vault.lock();
            true
        }
        Err(why) => {
            assert!(!vault.is_unlocked());
            // Nothing of a root, whole or broken, is in the message.
            let why = why.to_string();
            let secret = |line: &&str| line.len() >= 16 && why.contains(*line);
            let lines = str::from_utf8(data).unwrap_or_default();
            assert_eq!(lines.split(['\n', ' ']).find(secret), None, "{why}");
            false
        }
    }
}

/// The argument of the passphrase stanza.
pub fn argon2id(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    match text.parse::<Argument>() {
        Ok(argument) => {
            assert_eq!(argument.to_string(), text, "one text for each argument");
            true
        }
        Err(_) => false,
    }
}
