//! A receiver that is known by its certificate's fingerprint, RFC 5425 section 4.2.2.
//!
//! Then neither its name nor who signed it matters, and nor do its dates: the certificate itself is
//! what the owner looked at. Fingerprints are SHA-256; SHA-1, which the RFC asks for as well, is not
//! taken, because two certificates can be made to have the same.

use std::{fmt::Write as _, str::FromStr, sync::Arc};

use anyhow::{Context as _, bail};
use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde::Deserialize;

/// What a fingerprint begins with: the hash's name in IANA's registry.
const LABEL: &str = "sha-256:";

/// The SHA-256 of a certificate's DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
        Self(bytes)
    }
}

/// `sha-256:` and 32 bytes in hexadecimal, with colons between them.
impl FromStr for Fingerprint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mistake = || {
            let shown = text.escape_debug();
            format!("`{shown}` is not a fingerprint such as `sha-256:4A:0F:…` with 32 bytes")
        };
        let Some(pairs) = text.strip_prefix(LABEL) else {
            bail!(mistake());
        };
        let byte = |pair: &str| match pair.len() == 2 && !pair.starts_with('+') {
            true => u8::from_str_radix(pair, 16).ok(),
            false => None,
        };
        let bytes: Option<Vec<u8>> = pairs.split(':').map(byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        Ok(Self(bytes.with_context(mistake)?))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.parse()
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(LABEL.trim_end_matches(':'))?;
        for byte in self.0 {
            f.write_char(':')?;
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// Believes whoever shows one of these certificates and signs the handshake with its key.
#[derive(Debug)]
pub struct Known {
    fingerprints: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl Known {
    pub fn new(fingerprints: &[Fingerprint], provider: Arc<CryptoProvider>) -> Self {
        Self {
            fingerprints: fingerprints.to_vec(),
            provider,
        }
    }
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(end_entity);
        let is_shown = |known: &Fingerprint| verify_slices_are_equal(&known.0, &shown.0).is_ok();
        match self.fingerprints.iter().any(is_shown) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::General(format!(
                "the receiver shows another certificate, {shown}"
            ))),
        }
    }

    // That it has the certificate's key is checked as always.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_strictly() {
        let text = format!("sha-256:{}", ["0A"; 32].join(":"));
        let read: Fingerprint = text.parse().unwrap();
        assert_eq!(read, Fingerprint([10; 32]));
        assert_eq!(read.to_string(), text);
        assert_eq!(text.to_lowercase().parse::<Fingerprint>().unwrap(), read);
        for wrong in [
            String::new(),
            text.replace("sha-256:", ""),
            text.replace("sha-256", "sha-1"),
            text.replace(':', ""),
            text[..text.len() - 3].to_owned(),
            format!("{text}:0A"),
            text.replacen("0A", "+A", 1),
            text.replacen("0A", "GA", 1),
        ] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
