//! Records, roots and the argument of the passphrase stanza.

use super::{
    super::targets::{
        published::{AGE, OWNER_SEED},
        vault::{beginning, chain},
    },
    Seed, Small, seed,
};

pub(super) fn records(small: &Small) -> Vec<Seed> {
    let all = [&[beginning()], &small.records[1..]].concat();
    let stored = chain(all.iter().map(String::as_str));
    let raw: String = stored
        .iter()
        .map(|record| format!("{}\n{}\n", record.body, record.signature))
        .collect();
    let lines =
        |path: &str, records: &[String]| seed(&format!("records/{path}"), records.join("\n"));
    let with = |more: &[&str]| {
        [
            all.clone(),
            more.iter().map(|more| (*more).to_owned()).collect(),
        ]
        .concat()
    };
    let retirements = [
        r#"{"secret":"deploy/key","type":"retirement","version":1}"#,
        r#"{"name":"all","type":"policy-retirement"}"#,
        r#"{"key":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","service":"atlas","type":"service-key-retirement"}"#,
        r#"{"service":"borg","suspended":false,"type":"service-status"}"#,
        r#"{"name":"all","text":"forbid (principal, action, resource);","type":"policy","version":2}"#,
    ];
    vec![
        lines("good-beginning", &all[..1]),
        lines("good-all", &all),
        lines("good-retirements", &with(&retirements)),
        lines(
            "good-binding-ssh",
            &with(&[
                r#"{"binding":{"ssh":{"certificate":{"critical_options":{"source-address":"10.0.0.0/8"},"extensions":["permit-pty"],"key_id_prefix":"vault:","max_lifetime":3600,"principals":["deploy","web-*"]},"sign":{"namespaces":["git"]}}},"secret":"deploy/key","type":"binding","version":1}"#,
            ]),
        ),
        lines(
            "bad-binding-ssh",
            &with(&[
                r#"{"binding":{"ssh":{"certificate":{"max_lifetime":86401,"principals":["*"]}}},"secret":"deploy/key","type":"binding","version":1}"#,
            ]),
        ),
        seed("records/good-raw", format!("raw\n{raw}")),
        seed(
            "records/bad-raw-changed",
            format!("raw\n{}", raw.replace("\"blue\"", "\"red\"")),
        ),
        lines("bad-no-beginning", &all[1..]),
        lines("bad-type", &with(&[r#"{"type":"surprise"}"#])),
        lines(
            "bad-member",
            &with(&[r#"{"name":"x","secret":"deploy/key","type":"alias","why":"?"}"#]),
        ),
        lines(
            "bad-alias",
            &with(&[r#"{"name":"x","secret":"nothing","type":"alias"}"#]),
        ),
        lines("bad-version", &with(&[&all[1]])),
        lines(
            "bad-policy",
            &with(&[r#"{"name":"p","text":"permit","type":"policy","version":1}"#]),
        ),
    ]
}

pub(super) fn slots() -> Vec<Seed> {
    let root = format!("# the root of a strongroom vault\n# owner-key: {OWNER_SEED}\n{AGE}\n");
    let identity: age::x25519::Identity = AGE.parse().unwrap();
    let armored = age::encrypt_and_armor(&identity.to_public(), root.as_bytes()).unwrap();
    let binary = age::encrypt(&identity.to_public(), root.as_bytes()).unwrap();
    vec![
        seed("root/good", &root),
        seed("root/good-raw-armor", format!("raw\n{armored}")),
        seed("root/good-raw", [b"raw\n", &binary[..]].concat()),
        seed("root/bad-two-keys", format!("{root}{AGE}\n")),
        seed("root/bad-no-owner", format!("{AGE}\n")),
        seed("root/bad-other-owner", root.replace("9eV2", "8eV2")),
        seed("root/bad-seed", root.replace("9eV2", "9")),
        seed("root/bad-raw-cut", [b"raw\n", &binary[..100]].concat()),
        seed(
            "argon2id/good-default",
            "$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw",
        ),
        seed(
            "argon2id/good-floor",
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
        ),
        seed(
            "argon2id/bad-below",
            "$argon2id$v=19$m=19455,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
        ),
        seed(
            "argon2id/bad-above",
            "$argon2id$v=19$m=1048577,t=3,p=4$AAECAwQFBgcICQoLDA0ODw",
        ),
        seed(
            "argon2id/bad-zero",
            "$argon2id$v=19$m=065536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw",
        ),
        seed(
            "argon2id/bad-salt",
            "$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODx",
        ),
        seed(
            "argon2id/bad-other",
            "$argon2i$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw",
        ),
    ]
}
