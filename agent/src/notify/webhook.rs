//! The `webhook` channel: a signed POST as Standard Webhooks describes it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::Timestamp;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use strongroom::notification::Notification;
use zeroize::Zeroizing;

/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Webhook {
    url: http::Uri,
    signer: standardwebhooks::Webhook,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Webhook {
    pub fn open(url: &str, secret_file: &Path, cacert: Option<&Path>) -> anyhow::Result<Self> {
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
            client: Client::builder(TokioExecutor::new()).build(crate::tls::connector(cacert)?),
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
