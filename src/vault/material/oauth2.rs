//! OAuth 2 clients (RFC 6749, section 2.2): an id, and a secret, a refresh token or both.

use serde::{Deserialize, Serialize};

use super::{
    Material, MaterialError,
    text::{self, SecretText},
};
use crate::operation::Kind;

/// The longest id, secret or token, in bytes.
pub(crate) const MAX_TEXT: usize = 16 * 1024;

/// `{"client_id", "client_secret"?, "refresh_token"?}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) client_id: SecretText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<SecretText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<SecretText>,
}

impl Client {
    /// Reads and checks one.
    pub(super) fn read(json: &[u8]) -> Result<Self, MaterialError> {
        let malformed = |problem| MaterialError::Malformed {
            format: "OAuth 2 client",
            problem,
        };
        let client: Self = serde_json::from_slice(json).map_err(|_| {
            malformed(
                "it is JSON like `{\"client_id\": \"…\", \"client_secret\": \"…\", \
                 \"refresh_token\": \"…\"}`, and nothing else",
            )
        })?;
        if client.client_secret.is_none() && client.refresh_token.is_none() {
            return Err(malformed(
                "it has neither `client_secret` nor `refresh_token`",
            ));
        }
        let fits = |text: &SecretText| text.is_printable() && text.as_str().len() <= MAX_TEXT;
        if !client.texts().all(fits) {
            return Err(malformed(
                "its members are texts of 1 to 16384 printable ASCII characters",
            ));
        }
        Ok(client)
    }

    /// The one in a secret of this kind.
    pub(crate) fn of(material: &Material) -> Option<Self> {
        Self::read(material.secret_bytes()?).ok()
    }

    /// As a secret: always the same bytes for the same client.
    pub(crate) fn to_material(&self) -> Result<Material, MaterialError> {
        let length = self.texts().map(|text| text.as_str().len()).sum();
        let json = text::write(self, length);
        let json = json.map_err(|_| MaterialError::Machine("write an OAuth 2 client"))?;
        Material::raw(Kind::Oauth2, json.to_vec())
    }

    fn texts(&self) -> impl Iterator<Item = &SecretText> {
        [
            Some(&self.client_id),
            self.client_secret.as_ref(),
            self.refresh_token.as_ref(),
        ]
        .into_iter()
        .flatten()
    }
}
