//! OAuth 2 access tokens: from where, with which grant, for which scopes.

use serde::{Deserialize, Serialize};

use super::{BadBinding, bad, lifetime, scopes, texts};
use crate::{binding::Endpoint, outgoing::target::Path};

const SECTION: &str = "token.oauth2";

/// `{"endpoint": "https://login.example/oauth/token", "grant": "client_credentials",
/// "scopes": ["read", "write"], "max_lifetime": 3600}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// The token endpoint (RFC 6749, section 3.2).
    pub endpoint: Endpoint,
    /// What stands behind the endpoint's path: for one that ends with a slash, which a base URL
    /// does not keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is shown for a token.
    pub grant: Grant,
    /// How the client proves who it is.
    #[serde(default)]
    pub authentication: ClientAuthentication,
    /// The scopes that a token may have. A caller may ask for fewer; all of them are asked for
    /// otherwise. Without any, no `scope` is sent, and the provider decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The resources that a caller may ask for a token for, as the parameter `resource`
    /// (RFC 8707); the only one is taken if none is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// The same as the parameter `audience`, which some providers have in place of `resource`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The longest that a token for a caller may be good, in seconds: one that the provider made
    /// good for longer is not handed out.
    pub max_lifetime: u32,
    /// How long a token is good in seconds where the provider documents that and does not say it
    /// in its answers (RFC 6749, section 5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documented_lifetime: Option<u32>,
}

/// What is shown for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The client's own secret (RFC 6749, section 4.4).
    ClientCredentials,
    /// A refresh token (RFC 6749, section 6). One that the provider gives in its place becomes
    /// the secret's next version.
    RefreshToken,
}

/// How the client proves who it is (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// With HTTP Basic: what every provider has to know.
    #[default]
    Basic,
    /// With `client_id` and `client_secret` in the body.
    Post,
}

impl Oauth2 {
    pub(super) fn check(&self) -> Result<(), BadBinding> {
        self.endpoint.check(SECTION)?;
        if let Some(path) = &self.path {
            Path::parse(path).map_err(|error| bad(SECTION, "path", error.to_string()))?;
        }
        scopes(SECTION, &self.scopes)?;
        texts(SECTION, "resource", &self.resource)?;
        texts(SECTION, "audience", &self.audience)?;
        if !self.resource.is_empty() && !self.audience.is_empty() {
            let problem = "name either `resource` or `audience`, as the provider has it";
            return Err(bad(SECTION, "audience", problem));
        }
        lifetime(SECTION, "max_lifetime", self.max_lifetime)?;
        match self.documented_lifetime {
            Some(seconds) => lifetime(SECTION, "documented_lifetime", seconds),
            None => Ok(()),
        }
    }

    /// The parameter for what a token is for, with the values that it may have.
    pub fn target(&self) -> Option<(&'static str, &[String])> {
        match (self.resource.as_slice(), self.audience.as_slice()) {
            ([], []) => None,
            ([], audience) => Some(("audience", audience)),
            (resource, _) => Some(("resource", resource)),
        }
    }
}
