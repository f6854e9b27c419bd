//! Approvers with keys of all kinds. What they sign is computed here from `PROTOCOL.sshsig` and
//! `PROTOCOL.u2f`, with other libraries than the one that verifies it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use p256::ecdsa;
use sha2::{Digest as _, Sha256, Sha512};

use crate::approval::NAMESPACE;

/// A key on disk or on a security key.
pub(super) struct Key {
    pair: Pair,
    /// The application of a security key.
    application: Option<String>,
}

enum Pair {
    Ed25519(ed25519_dalek::SigningKey),
    P256(ecdsa::SigningKey),
}

/// How something is signed; [`Default`] as it has to be.
#[derive(Clone)]
pub(super) struct How {
    pub namespace: &'static str,
    pub hash: &'static str,
    pub flags: u8,
    pub counter: u32,
}

impl Default for How {
    fn default() -> Self {
        Self {
            namespace: NAMESPACE,
            hash: "sha512",
            flags: 1,
            counter: 7,
        }
    }
}

impl Key {
    pub fn ed25519(seed: u8) -> Self {
        Self {
            pair: Pair::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])),
            application: None,
        }
    }

    pub fn p256(seed: u8) -> Self {
        Self {
            pair: Pair::P256(ecdsa::SigningKey::from_bytes(&[seed; 32].into()).unwrap()),
            application: None,
        }
    }

    pub fn on_security_key(self, application: &str) -> Self {
        Self {
            application: Some(application.to_owned()),
            ..self
        }
    }

    /// The name of the key's kind, which is that of its signatures.
    fn kind(&self) -> &'static str {
        match (&self.pair, &self.application) {
            (Pair::Ed25519(_), None) => "ssh-ed25519",
            (Pair::Ed25519(_), Some(_)) => "sk-ssh-ed25519@openssh.com",
            (Pair::P256(_), None) => "ecdsa-sha2-nistp256",
            (Pair::P256(_), Some(_)) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = string(self.kind());
        match &self.pair {
            Pair::Ed25519(key) => blob.extend(string(key.verifying_key().to_bytes())),
            Pair::P256(key) => {
                blob.extend(string("nistp256"));
                blob.extend(string(
                    key.verifying_key().to_encoded_point(false).as_bytes(),
                ));
            }
        }
        blob.extend(self.application.iter().flat_map(string));
        blob
    }

    /// The line of a `.pub` file.
    pub fn line(&self) -> String {
        format!("{} {}", self.kind(), STANDARD.encode(self.blob()))
    }

    /// As `ssh-keygen -Y sign` does.
    pub fn sign(&self, message: &str) -> String {
        self.sign_so(message, &How::default())
    }

    pub fn sign_so(&self, message: &str, how: &How) -> String {
        let hashed = match how.hash {
            "sha256" => Sha256::digest(message).to_vec(),
            _ => Sha512::digest(message).to_vec(),
        };
        let common = [string(how.namespace), string(""), string(how.hash)].concat();
        let signed = [b"SSHSIG".to_vec(), common.clone(), string(hashed)].concat();
        let (signed, rest) = match &self.application {
            None => (signed, Vec::new()),
            Some(application) => {
                let touch = [&[how.flags], how.counter.to_be_bytes().as_slice()].concat();
                let (application, message) = (Sha256::digest(application), Sha256::digest(&signed));
                let signed = [application.as_slice(), &touch, message.as_slice()].concat();
                (signed, touch)
            }
        };
        let numbers = match &self.pair {
            Pair::Ed25519(key) => key.sign(&signed).to_bytes().to_vec(),
            Pair::P256(key) => {
                let signature: ecdsa::Signature = key.sign(&signed);
                let (r, s) = signature.split_bytes();
                [mpint(&r), mpint(&s)].concat()
            }
        };
        let signature = [string(self.kind()), string(numbers), rest].concat();
        let blob = [
            b"SSHSIG".to_vec(),
            1_u32.to_be_bytes().to_vec(),
            string(self.blob()),
            common,
            string(signature),
        ]
        .concat();
        armored(&blob)
    }
}

pub(super) fn armored(blob: &[u8]) -> String {
    let base64 = STANDARD.encode(blob);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(70)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    )
}

/// RFC 4251 section 5.
pub(super) fn string(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [(bytes.len() as u32).to_be_bytes().as_slice(), bytes].concat()
}

fn mpint(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    match &digits[zeros..] {
        digits @ [0x80..=0xff, ..] => string([&[0], digits].concat()),
        digits => string(digits),
    }
}
