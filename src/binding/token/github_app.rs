//! Installation tokens of a GitHub App: which installations, repositories and permissions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BadBinding, MAX_MEMBERS, bad, lifetime, text, texts};
use crate::binding::{BaseUrl, Endpoint};

const SECTION: &str = "token.github-app";

/// `{"app": "123456", "installations": [42], "repositories": ["web"],
/// "permissions": {"contents": "read"}}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubApp {
    /// The App's client id or number: the claim `iss`.
    pub app: String,
    /// The API, where it is not `https://api.github.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The installations that a token may be for, by their numbers; the only one is taken if none
    /// is asked for.
    pub installations: Vec<u64>,
    /// The repositories that a token may reach, by their names without the owner's. A caller may
    /// ask for fewer; all of them are asked for otherwise. Without any, a token reaches whatever
    /// the installation does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// The permissions that a token may have, each with the most that is allowed: `read`, `write`
    /// or `admin`. A caller may ask for fewer; all of them are asked for otherwise. Without any,
    /// a token has whatever the installation has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: BTreeMap<String, Access>,
    /// The longest that a token may be good, in seconds. GitHub makes them good for an hour, so
    /// less than 3600 allows none.
    #[serde(default = "hour")]
    pub max_lifetime: u32,
}

/// What a permission allows; each allows what the ones before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// To read.
    Read,
    /// To read and to write.
    Write,
    /// To administer.
    Admin,
}

fn hour() -> u32 {
    3600
}

impl GithubApp {
    /// Where the API is.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.clone().or_else(|| {
            let url: BaseUrl = "https://api.github.com".parse().ok()?;
            Some(Endpoint::new(url))
        })
    }

    pub(super) fn check(&self) -> Result<(), BadBinding> {
        text(SECTION, "app", &self.app)?;
        if let Some(endpoint) = &self.endpoint {
            endpoint.check(SECTION)?;
        }
        if self.installations.is_empty() || self.installations.len() > MAX_MEMBERS {
            return Err(bad(SECTION, "installations", "name 1 to 64"));
        }
        if !self
            .installations
            .iter()
            .all(|id| (1..1 << 53).contains(id))
        {
            return Err(bad(SECTION, "installations", "a number from 1 on is meant"));
        }
        texts(SECTION, "repositories", &self.repositories)?;
        if let Some(name) = self.repositories.iter().find(|name| name.contains('/')) {
            let problem = format!("write `{}` without its owner", name.escape_debug());
            return Err(bad(SECTION, "repositories", problem));
        }
        if self.permissions.len() > MAX_MEMBERS {
            return Err(bad(SECTION, "permissions", "at most 64"));
        }
        for name in self.permissions.keys() {
            text(SECTION, "permissions", name)?;
        }
        lifetime(SECTION, "max_lifetime", self.max_lifetime)?;
        match self.max_lifetime < hour() {
            true => Err(bad(
                SECTION,
                "max_lifetime",
                "GitHub's tokens are good for 3600 s",
            )),
            false => Ok(()),
        }
    }
}

impl Access {
    /// Its name in GitHub's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}
