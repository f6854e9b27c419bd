//! The section `http`: where the credential goes, how it is attached, and what of a request the
//! caller may choose.

use serde::{Deserialize, Serialize};

use super::{Attach, BadBinding, Endpoint};
use crate::operation::Kind;

/// `{"base_url": "https://api.heroku.com", "attach": "bearer"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where requests go.
    pub base_url: Endpoint,
    /// How the credential is attached; by the kind of the secret when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
}

impl Http {
    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        self.base_url.check("http")?;
        let wrong = |problem: String| {
            Err(BadBinding::Value {
                section: "http",
                field: "attach",
                problem,
            })
        };
        match (kind, &self.attach) {
            (_, None)
            | (Kind::Basic, Some(Attach::Basic))
            | (Kind::Mtls, Some(Attach::Mtls))
            | (
                Kind::Token | Kind::Oauth2,
                Some(Attach::Bearer | Attach::Header { .. } | Attach::Query(_) | Attach::Cookie(_)),
            ) => {}
            (Kind::Basic, _) => {
                return wrong("a user name and password is attached as `basic`".to_owned());
            }
            (Kind::Mtls, _) => {
                return wrong("a client certificate is attached as `mtls`".to_owned());
            }
            (Kind::Token | Kind::Oauth2, _) => {
                return wrong(format!(
                    "a secret of kind `{kind}` is attached as `bearer`, `header`, `query` or `cookie`"
                ));
            }
            (_, Some(_)) => {
                return wrong(format!(
                    "requests are signed with a secret of kind `{kind}`; leave it out"
                ));
            }
        }
        if kind == Kind::Mtls && !self.base_url.url.is_tls() {
            return wrong("a client certificate needs TLS: use `https://`".to_owned());
        }
        Ok(())
    }

    /// How a credential of this kind is attached; `None` where requests are signed.
    pub fn attach(&self, kind: Kind) -> Option<Attach> {
        self.attach.clone().or_else(|| Attach::default_for(kind))
    }
}
