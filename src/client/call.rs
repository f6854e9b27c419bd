//! Asking for what became of a request that waits for an approval, or giving it up.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    draft::{About, NotSigned, Post, SignedRequest},
    key::SigningKey,
};
use crate::{
    request::call::{CANCEL_PATH, RESULT_PATH},
    service::key::Thumbprint,
};

/// What a service wants of a request that it made earlier.
#[derive(Clone, Debug)]
pub struct Call {
    /// The agent that it is meant for.
    pub agent: Thumbprint,
    /// What the request's answer said: the index of its entry.
    pub id: u64,
}

/// The body.
#[derive(Serialize)]
struct Body<'a> {
    agent: &'a Thumbprint,
    id: String,
}

impl Call {
    /// The call that collects the result; this uses the key, if the request was approved. `nonce`
    /// is random and never used twice.
    pub fn sign_result(
        &self,
        key: &SigningKey,
        nonce: [u8; 16],
        validity: Duration,
        now: Timestamp,
    ) -> Result<SignedRequest, NotSigned> {
        self.post(RESULT_PATH)?.sign(key, nonce, validity, now)
    }

    /// The call that gives the request up: nobody has to decide on it any more.
    pub fn sign_cancel(
        &self,
        key: &SigningKey,
        nonce: [u8; 16],
        validity: Duration,
        now: Timestamp,
    ) -> Result<SignedRequest, NotSigned> {
        self.post(CANCEL_PATH)?.sign(key, nonce, validity, now)
    }

    fn post(&self, path: &'static str) -> Result<Post, NotSigned> {
        let body = Body {
            agent: &self.agent,
            id: self.id.to_string(),
        };
        Ok(Post {
            path,
            body: serde_json::to_vec(&body).map_err(|_| NotSigned::Json)?,
            about: About::Waiting(self.id),
        })
    }
}
