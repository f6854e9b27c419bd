//! TLS for connections that this program opens, and the agent's own certificate.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore, pki_types::PrivatePkcs8KeyDer};

use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::{outbound::roots, serve::listen::certificates};

/// A connector that trusts the platform's authorities, or only the certificates in `cacert`.
pub fn connector(cacert: Option<&Path>) -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match cacert {
        None => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| {
                    format!("`{}` can't be trusted as a certificate", path.display())
                })?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_all_versions()
        .build())
}

/// A connector to a receiver of notifications, over HTTP/1.1: it trusts the platform's authorities, or
/// only those in this PEM.
pub fn receiver(cacert: Option<&str>) -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match cacert {
        None => builder.with_platform_verifier()?,
        Some(pem) => builder.with_root_certificates(roots(pem)?),
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(builder.with_no_client_auth())
        .https_or_http()
        .enable_http1()
        .build())
}

/// A self-signed certificate for the agent's TLS key: what clients trust by `--cacert`. It says
/// `localhost`, the loopback addresses and this machine's name; authority comes from signatures.
pub fn self_signed(pkcs8: &[u8]) -> anyhow::Result<String> {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
    let key = PrivatePkcs8KeyDer::from(pkcs8);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)?;
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.extend(crate::home::machine_name());
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Strongroom agent");
    Ok(parameters.self_signed(&key)?.pem())
}
