//! Kind `mtls`: a TLS client certificate, the rest of its chain, and its private key, as PEM.

use zeroize::Zeroizing;

use super::{KeyPair, Material, MaterialError, import, pem};
use crate::{
    errand::ClientCertificate,
    operation::{Kind, OperationError},
    service::key::PublicKey,
};

/// What such a secret looks like.
const FORM: &str = "PEM: a certificate, the rest of its chain in order, and its one private key";

/// The most certificates of a chain.
const MAX_CHAIN: usize = 16;

/// A client certificate, ready for use.
pub(crate) struct Mtls {
    /// DER, the leaf first.
    chain: Vec<Vec<u8>>,
    pair: KeyPair,
}

/// What is looked at of a certificate, RFC 5280, section 4.1.
struct Certificate<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key: &'a [u8],
}

impl Mtls {
    /// Reads PEM, and checks that its parts belong together.
    pub(super) fn read(text: &[u8]) -> Result<Self, MaterialError> {
        let form = |expected| MaterialError::NotOfKind {
            kind: Kind::Mtls,
            expected,
        };
        if !pem::is_in(text) {
            return Err(form(FORM));
        }
        let pair = import::from_pem(text)?;
        let chain: Vec<Vec<u8>> = pem::blocks(text)?
            .into_iter()
            .filter(|block| block.label == b"CERTIFICATE")
            .map(|block| block.der.to_vec())
            .collect();
        let read = chain.iter().map(|der| {
            Certificate::read(der).ok_or(MaterialError::Malformed {
                format: "X.509",
                problem: "a certificate can't be read",
            })
        });
        let certificates = read.collect::<Result<Vec<_>, _>>()?;
        let Some(leaf) = certificates.first() else {
            return Err(form(FORM));
        };
        if certificates.len() > MAX_CHAIN {
            return Err(form("a chain of at most 16 certificates"));
        }
        let spki = pair
            .spki()
            .map_err(|_| MaterialError::Machine("encode a key"))?;
        let own = PublicKey::from_spki_der(&spki).map_err(|_| MaterialError::UnsupportedKey)?;
        if PublicKey::from_spki_der(leaf.public_key).ok().as_ref() != Some(&own) {
            return Err(form(
                "a chain that begins with the certificate of its private key; this one is another key's",
            ));
        }
        let is_chain = certificates
            .iter()
            .zip(certificates.iter().skip(1))
            .all(|(one, next)| one.issuer == next.subject);
        if !is_chain {
            return Err(form(
                "a chain in which each certificate is followed by its issuer's",
            ));
        }
        Ok(Self { chain, pair })
    }

    /// As it was imported.
    pub(crate) fn of(material: &Material) -> Result<Self, OperationError> {
        material
            .secret_bytes()
            .and_then(|text| Self::read(text).ok())
            .ok_or(OperationError::Machine("read the client certificate"))
    }

    /// What the TLS connection shows.
    pub(crate) fn certificate(self) -> Result<ClientCertificate, OperationError> {
        let key: Zeroizing<Vec<u8>> = self
            .pair
            .pkcs8()
            .map_err(|_| OperationError::Machine("encode a key"))?;
        Ok(ClientCertificate {
            chain: self.chain,
            key,
        })
    }
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (certificate, after) = element(der, SEQUENCE)?;
        let (mut fields, _) = element(certificate, SEQUENCE)?;
        if !after.is_empty() {
            return None;
        }
        // The version, which only certificates of version 1 leave out.
        if fields.first() == Some(&0xa0) {
            (_, fields) = element(fields, 0xa0)?;
        }
        let (_serial, fields) = element(fields, INTEGER)?;
        let (_algorithm, fields) = element(fields, SEQUENCE)?;
        let (issuer, fields) = element(fields, SEQUENCE)?;
        let (_validity, fields) = element(fields, SEQUENCE)?;
        let (subject, fields) = element(fields, SEQUENCE)?;
        let (_, after) = element(fields, SEQUENCE)?;
        let public_key = fields.get(..fields.len() - after.len())?;
        Some(Self {
            issuer,
            subject,
            public_key,
        })
    }
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// One element of DER (ITU-T X.690) with this tag: its contents, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits
                .iter()
                .fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use tempfile::TempDir;

    use super::Mtls;
    use crate::{operation::Kind, vault::material::Material};

    /// Runs stock OpenSSL in a folder of its own.
    fn openssl(folder: &TempDir, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {problem}");
    }

    fn import(parts: &[&str]) -> Result<Material, String> {
        Material::import(Some(Kind::Mtls), parts.concat().as_bytes())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_chain_and_its_key_belong_together() {
        let folder = TempDir::new().unwrap();
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
        openssl(
            &folder,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 9",
        );
        for (key, options) in [
            ("ed", "-newkey ed25519"),
            ("p256", "-newkey ec -pkeyopt ec_paramgen_curve:P-256"),
            ("p384", "-newkey ec -pkeyopt ec_paramgen_curve:P-384"),
            ("rsa", "-newkey rsa:2048"),
        ] {
            openssl(
                &folder,
                &format!(
                    "req -x509 -CA ca.pem -CAkey ca.key {options} -nodes -keyout {key}.key -out {key}.pem -subj /CN={key} -days 9"
                ),
            );
            let (leaf, own) = (read(&format!("{key}.pem")), read(&format!("{key}.key")));
            for parts in [
                [leaf.as_str(), "", own.as_str()],
                [&own, &leaf, ""],
                [&leaf, &read("ca.pem"), &own],
            ] {
                let material = import(&parts).unwrap_or_else(|error| panic!("{key}: {error}"));
                let stored = Material::from_stored(Kind::Mtls, &material.to_stored()).unwrap();
                let shown = Mtls::of(&stored).unwrap().certificate().unwrap();
                assert!(matches!(shown.chain.len(), 1 | 2));
                let again = Material::import(None, &shown.key).err();
                assert!(again.is_some(), "DER says little about itself");
            }
        }
        let (leaf, own, ca) = (read("p256.pem"), read("p256.key"), read("ca.pem"));
        let table: [(&[&str], &str); 8] = [
            (&["nothing"], "must be PEM"),
            (&[&leaf], "this is a `CERTIFICATE`, and not a private key"),
            (&[&own], "must be PEM: a certificate"),
            (&[&leaf, &own, &own], "there are several private keys"),
            (&[&ca, &leaf, &own], "this one is another key's"),
            (&[&leaf, &read("rsa.key")], "this one is another key's"),
            (&[&leaf, &read("rsa.pem"), &own], "followed by its issuer's"),
            (
                &[
                    "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n",
                    &own,
                ],
                "a certificate can't be read",
            ),
        ];
        for (parts, message) in table {
            let refused = import(parts).unwrap_err();
            assert!(refused.contains(message), "{refused}");
        }
    }

    #[test]
    fn cut_certificates_are_refused() {
        let folder = TempDir::new().unwrap();
        openssl(
            &folder,
            "req -x509 -newkey ed25519 -nodes -keyout key -out pem -outform PEM -subj /CN=a -days 9",
        );
        openssl(&folder, "x509 -in pem -outform DER -out der");
        let der = fs::read(folder.path().join("der")).unwrap();
        assert!(super::Certificate::read(&der).is_some());
        for length in 0..der.len() {
            assert!(
                super::Certificate::read(&der[..length]).is_none(),
                "{length}"
            );
        }
    }
}
