//! The service's side over HTTP: what `strongroom request` and the demo call an agent with.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use interprocess::local_socket::{
    GenericFilePath, ToFsName as _,
    tokio::{Stream, prelude::*},
};
use jiff::Timestamp;
use strongroom::{
    answer::JSON,
    audit::receipt,
    client::{self, AgentKeys, Call, CheckedAnswer, Draft, SignedRequest, SigningKey},
    notification::escaped,
    request::prefer::PREFER,
    service::key::PublicKey,
};

use crate::{
    decide::{OnRecord, Signed},
    host::Introduction,
};

/// Answers are a result and a receipt: the largest is 10 MiB of a provider's text, every character
/// of it written as an escape. What is larger is not ours.
const LARGEST: usize = 64 * 1024 * 1024;
/// How long a signed request is good for: time for a slow network, no more.
const VALIDITY: std::time::Duration = std::time::Duration::from_secs(60);

/// A connection to one agent.
pub struct Caller {
    way: Way,
}

enum Way {
    Https {
        base: String,
        client: Box<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    },
    Local(PathBuf),
}

/// A whole HTTP answer.
pub struct Raw {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Caller {
    /// `agent` is `https://host:port`, or the path of a local socket.
    pub fn new(agent: &str, cacert: Option<&Path>) -> anyhow::Result<Self> {
        let way = if agent.starts_with("https://") {
            let base = agent.trim_end_matches('/').to_owned();
            base.parse::<Uri>()
                .with_context(|| format!("`{agent}` is not a URL"))?;
            Way::Https {
                base,
                client: Box::new(
                    Client::builder(TokioExecutor::new()).build(crate::tls::connector(cacert)?),
                ),
            }
        } else if agent.starts_with("http://") {
            bail!("an agent is reached over https, or by the path of its local socket");
        } else if agent.contains("://") || !Path::new(agent).exists() {
            bail!("`{agent}` is neither `https://host:port` nor the path of a local socket");
        } else {
            Way::Local(PathBuf::from(agent))
        };
        Ok(Self { way })
    }

    /// What the agent says of itself. Believe it only over a connection that you trust.
    pub async fn introduction(&self) -> anyhow::Result<Introduction> {
        let raw = self
            .send(Request::get(self.uri("/v1/agent")).body(Full::default())?)
            .await?;
        if raw.status != StatusCode::OK {
            bail!(
                "what answers there is no agent: it says {} to `/v1/agent`",
                raw.status
            );
        }
        serde_json::from_slice(&raw.body)
            .context("what answers there is no agent: its introduction cannot be read")
    }

    /// Signs a draft with a fresh nonce.
    pub fn sign(draft: &Draft, key: &SigningKey) -> anyhow::Result<SignedRequest> {
        Ok(draft.sign(key, nonce()?, VALIDITY, Timestamp::now())?)
    }

    /// Signs the call that collects an answer, with a fresh nonce.
    pub fn sign_result(call: &Call, key: &SigningKey) -> anyhow::Result<SignedRequest> {
        Ok(call.sign_result(key, nonce()?, VALIDITY, Timestamp::now())?)
    }

    /// Signs the call that gives a request up, with a fresh nonce.
    pub fn sign_cancel(call: &Call, key: &SigningKey) -> anyhow::Result<SignedRequest> {
        Ok(call.sign_cancel(key, nonce()?, VALIDITY, Timestamp::now())?)
    }

    /// Sends a signed request, and believes the answer only if the agent's signature, bound to
    /// this request, and the receipt hold.
    pub async fn ask(
        &self,
        signed: &SignedRequest,
        keys: &AgentKeys,
    ) -> anyhow::Result<CheckedAnswer> {
        self.ask_and_wait(signed, 0, keys).await
    }

    /// The same; the agent holds the call so many seconds where somebody has to decide.
    pub async fn ask_and_wait(
        &self,
        signed: &SignedRequest,
        wait: u64,
        keys: &AgentKeys,
    ) -> anyhow::Result<CheckedAnswer> {
        let body = Full::new(Bytes::copy_from_slice(signed.body()));
        let mut request = Request::post(self.uri(signed.path())).body(body)?;
        request.headers_mut().extend(signed.headers().clone());
        if wait > 0 {
            let wait = HeaderValue::try_from(format!("wait={wait}"))?;
            request.headers_mut().insert(PREFER, wait);
        }
        let raw = self.send(request).await?;
        Ok(client::check(
            signed,
            raw.status,
            &raw.headers,
            &raw.body,
            keys,
        )?)
    }

    /// Hands in what an approver signed, and believes only what this agent signs.
    pub async fn hand_in(&self, signed: &Signed, keys: &AgentKeys) -> anyhow::Result<OnRecord> {
        let body = Full::new(Bytes::from(serde_json::to_vec(signed)?));
        let request = Request::post(self.uri("/v1/approval"))
            .header(http::header::CONTENT_TYPE, JSON)
            .body(body)?;
        let raw = self.send(request).await?;
        client::check_signature(raw.status, &raw.headers, &raw.body, &keys.answers, None)
            .context("the answer is not believed")?;
        if raw.status != StatusCode::OK {
            let problem: serde_json::Value = serde_json::from_slice(&raw.body)?;
            let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str);
            let why = text("detail")
                .or(text("title"))
                .unwrap_or("no reason was given");
            bail!("it does not count: {}", escaped(why));
        }
        let on_record: OnRecord = serde_json::from_slice(&raw.body)?;
        receipt::verify(&on_record.entry, &on_record.receipt, &keys.checkpoints)
            .context("the answer is not believed")?;
        Ok(on_record)
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Raw> {
        let response = match &self.way {
            Way::Https { base, client } => client
                .request(request)
                .await
                .map_err(|error| unreached(base, &error))?,
            Way::Local(path) => {
                let stream = Stream::connect(path.as_path().to_fs_name::<GenericFilePath>()?)
                    .await
                    .with_context(|| format!("no agent answers on `{}`", path.display()))?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                request.headers_mut().insert(
                    http::header::HOST,
                    http::HeaderValue::from_static("localhost"),
                );
                sender
                    .send_request(request)
                    .await
                    .context("the agent went away")?
            }
        };
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("the answer did not arrive whole: {error}"))?
            .to_bytes();
        Ok(Raw {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    fn uri(&self, path: &str) -> String {
        match &self.way {
            Way::Https { base, .. } => format!("{base}{path}"),
            Way::Local(_) => path.to_owned(),
        }
    }
}

/// Random, so that it is never used twice.
fn nonce() -> anyhow::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut nonce)
        .map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(nonce)
}

/// The innermost cause says it all; the layers between only say that they failed too.
fn unreached(base: &str, error: &(dyn std::error::Error + 'static)) -> anyhow::Error {
    let mut cause = error;
    // An I/O error that was made from another one calls that one's source its own, and skips it.
    while let Some(inner) = match cause.downcast_ref::<std::io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as _),
        None => cause.source(),
    } {
        cause = inner;
    }
    let told = anyhow::anyhow!("{cause}");
    let told = match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(_)) => {
            told.context("its certificate is not trusted; name one that is with `--cacert FILE`")
        }
        _ => told,
    };
    told.context(format!("cannot reach the agent at `{base}`"))
}

/// The keys that an agent introduced itself with.
pub fn keys(introduction: &Introduction) -> anyhow::Result<AgentKeys> {
    let answers = PublicKey::parse(&introduction.keys.answer.to_string())?;
    if answers.thumbprint().as_str() != introduction.thumbprint {
        bail!("the agent's thumbprint is not that of the key which it signs answers with");
    }
    Ok(AgentKeys {
        answers,
        checkpoints: introduction.keys.checkpoint.clone(),
    })
}
