//! Google Cloud service account keys: the JSON file that Google hands out.

use serde::{Deserialize, Serialize};

use super::{
    Material, MaterialError,
    text::{self, SecretText},
};
use crate::operation::Kind;

/// The members of a key file. Those that are of no use here are kept, so that the owner gets back
/// what other tools read too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccount {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_provider_x509_cert_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_uri: Option<String>,
    /// The account's name: the claim `iss`.
    pub(crate) client_email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_x509_cert_url: Option<String>,
    /// PKCS#8 PEM.
    private_key: SecretText,
    /// The header `kid`.
    pub(crate) private_key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    /// Where the key file wants tokens to be asked for: checked against the binding, never called.
    pub(crate) token_uri: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    universe_domain: Option<String>,
}

impl ServiceAccount {
    /// Reads and checks one.
    pub(super) fn read(json: &[u8]) -> Result<Self, MaterialError> {
        let malformed = |problem| MaterialError::Malformed {
            format: "service account key file",
            problem,
        };
        let account: Self = serde_json::from_slice(json).map_err(|_| {
            malformed("it is the JSON file as Google hands it out, with nothing added")
        })?;
        if account.r#type != "service_account" {
            return Err(malformed("its `type` is not `service_account`"));
        }
        let is_plain = |text: &String| {
            (1..=2048).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let texts = [
            &account.client_email,
            &account.private_key_id,
            &account.token_uri,
        ];
        if !texts.into_iter().chain(account.others()).all(is_plain) {
            return Err(malformed(
                "a member is empty, too long, or has spaces in it",
            ));
        }
        account
            .key()
            .map_err(|_| malformed("its `private_key` is not an RSA key in PEM"))?;
        Ok(account)
    }

    /// The one in a secret of this kind.
    pub(crate) fn of(material: &Material) -> Option<Self> {
        Self::read(material.secret_bytes()?).ok()
    }

    /// The private key.
    pub(crate) fn key(&self) -> Result<Material, MaterialError> {
        Material::import(Some(Kind::Rsa), self.private_key.as_str().as_bytes())
    }

    /// As a secret: always the same bytes for the same key file.
    pub(super) fn to_material(&self) -> Result<Material, MaterialError> {
        let texts = [&self.client_email, &self.private_key_id, &self.token_uri];
        let length: usize = texts
            .into_iter()
            .chain(self.others())
            .map(String::len)
            .sum();
        let json = text::write(self, length + self.private_key.as_str().len());
        let json = json.map_err(|_| MaterialError::Machine("write a key file"))?;
        Material::raw(Kind::Gcp, json.to_vec())
    }

    fn others(&self) -> impl Iterator<Item = &String> {
        [
            &self.auth_provider_x509_cert_url,
            &self.auth_uri,
            &self.client_id,
            &self.client_x509_cert_url,
            &self.project_id,
            &self.universe_domain,
        ]
        .into_iter()
        .flatten()
    }
}
