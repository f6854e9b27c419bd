//! Tokens of a Google Cloud service account: which scopes, or for which audience.

use serde::{Deserialize, Serialize};

use super::{BadBinding, bad, lifetime, scopes, texts};
use crate::binding::{BaseUrl, Endpoint};

const SECTION: &str = "token.gcp";

/// `{"scopes": ["https://www.googleapis.com/auth/devstorage.read_only"]}` for access tokens,
/// `{"audience": ["https://run.example"]}` for ID tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcp {
    /// The token endpoint, where it is not `https://oauth2.googleapis.com/token`. A key file that
    /// names another one is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The scopes that an access token may have. A caller may ask for fewer; all of them are
    /// asked for otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What an ID token may be for. A caller that asks for one of these gets an ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The longest that a token may be good, in seconds. Google makes them good for an hour, so
    /// less than 3600 allows none.
    #[serde(default = "hour")]
    pub max_lifetime: u32,
}

fn hour() -> u32 {
    3600
}

impl Gcp {
    /// Where tokens are asked for.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.clone().or_else(|| {
            let url: BaseUrl = "https://oauth2.googleapis.com/token".parse().ok()?;
            Some(Endpoint::new(url))
        })
    }

    pub(super) fn check(&self) -> Result<(), BadBinding> {
        if let Some(endpoint) = &self.endpoint {
            endpoint.check(SECTION)?;
        }
        scopes(SECTION, &self.scopes)?;
        texts(SECTION, "audience", &self.audience)?;
        if self.scopes.is_empty() && self.audience.is_empty() {
            let problem = "name `scopes` for access tokens, `audience` for ID tokens, or both";
            return Err(bad(SECTION, "scopes", problem));
        }
        lifetime(SECTION, "max_lifetime", self.max_lifetime)?;
        match self.max_lifetime < hour() {
            true => Err(bad(
                SECTION,
                "max_lifetime",
                "Google's tokens are good for 3600 s",
            )),
            false => Ok(()),
        }
    }
}
