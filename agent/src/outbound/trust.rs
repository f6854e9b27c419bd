//! Whom a connection to a provider trusts, and what it shows.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use strongroom::errand::Route;

/// TLS as the binding says: its own authorities or the platform's, and its client certificate.
pub fn config(route: &Route) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match &route.cacert {
        None => builder.with_platform_verifier()?,
        Some(pem) => builder.with_root_certificates(roots(pem)?),
    };
    let mut config = match &route.certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let chain = certificate.chain.iter().cloned().map(CertificateDer::from);
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.to_vec()));
            builder
                .with_client_auth_cert(chain.collect(), key)
                .context("its client certificate can't be used")?
        }
    };
    if route.certificate.is_some() {
        // A resumed session would go on showing a certificate that was rotated meanwhile.
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

/// The authorities in a PEM, which has at least one.
pub fn roots(pem: &str) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.context("`cacert` is not PEM")?;
        roots
            .add(certificate)
            .context("a certificate in `cacert` can't be trusted as an authority")?;
    }
    ensure!(!roots.is_empty(), "`cacert` has no certificate in it");
    Ok(roots)
}
