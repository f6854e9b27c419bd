//! The `webhook` channel: a signed POST as Standard Webhooks describes it.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::Timestamp;
use serde::Deserialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use strongroom::{name::Name, notification::Notification};
use zeroize::Zeroizing;

use super::tell::Tell;
use crate::host::Host;

/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// `kind = "webhook"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    pub url: String,
    /// A file that holds the signing secret, `whsec_…`.
    pub secret_file: PathBuf,
    /// PEM certificates to trust instead of the platform's.
    pub cacert: Option<PathBuf>,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        if !self.url.starts_with("https://") && !is_loopback(&self.url) {
            bail!(
                "channel `{}`: `url` must be https (plain http is taken for 127.0.0.1 only)",
                self.name
            )
        }
        Ok(())
    }
}

fn is_loopback(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "[::1]"))
    })
}

pub struct Webhook {
    url: http::Uri,
    signer: standardwebhooks::Webhook,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Webhook {
    #[expect(
        clippy::unused_async,
        reason = "a credential out of the vault takes a while"
    )]
    pub async fn open(_host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        let Settings {
            url,
            secret_file,
            cacert,
            ..
        } = settings;
        let secret = Zeroizing::new(fs::read_to_string(secret_file).with_context(|| {
            format!(
                "cannot read the webhook's secret from `{}`",
                secret_file.display()
            )
        })?);
        let signer = standardwebhooks::Webhook::new(secret.trim()).map_err(|_| {
            anyhow::anyhow!(
                "`{}` does not hold a secret of the form `whsec_<base64>`",
                secret_file.display()
            )
        })?;
        Ok(Self {
            url: url
                .parse()
                .with_context(|| format!("`{url}` is not a URL"))?,
            signer,
            client: Client::builder(TokioExecutor::new())
                .build(crate::tls::connector(cacert.as_deref())?),
        })
    }

    /// Delivered means a 2xx answer. The id is the same at every try, so that the receiver can
    /// drop what it has already seen.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&serde_json::json!({
            "type": format!("strongroom.{}", notification.kind),
            "timestamp": notification.time,
            "data": notification,
        }))?;
        let seconds = Timestamp::now().as_second();
        let signature = self
            .signer
            .sign(&notification.id, seconds, &body)
            .map_err(|error| anyhow::anyhow!("cannot sign the webhook: {error}"))?;
        let request = http::Request::post(self.url.clone())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &notification.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(Full::new(Bytes::from(body)))?;
        let send = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            // The body is read, within reason, so that the connection can be used again.
            let _ = http_body_util::Limited::new(response.into_body(), 64 * 1024)
                .collect()
                .await;
            anyhow::Ok(status)
        };
        let status = tokio::time::timeout(PATIENCE, send)
            .await
            .with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))??;
        if !status.is_success() {
            bail!("the receiver answered {status}");
        }
        Ok(())
    }
}
