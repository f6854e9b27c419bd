//! The section `token`: what may be issued: claims, scopes and the longest lifetime.
//!
//! It has one member, named after what is issued: `{"token": {"jwt": {…}}}`.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::{Kind, LONGEST_TOKEN};

mod aws;
mod gcp;
mod github_app;
mod jwt;
mod oauth2;
mod pattern;

pub(crate) use aws::is_session as is_aws_session;
pub use aws::{AwsToken, SHORTEST as SHORTEST_AWS_TOKEN};
pub use gcp::Gcp;
pub use github_app::{Access, GithubApp};
pub use jwt::{Jwt, JwtAlgorithm};
pub use oauth2::{ClientAuthentication, Grant, Oauth2};
pub use pattern::Pattern;

/// What may be issued with a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Token {
    /// JSON Web Tokens, signed with the key.
    Jwt(Box<Jwt>),
    /// OAuth 2 access tokens.
    Oauth2(Box<Oauth2>),
    /// Installation tokens of a GitHub App.
    GithubApp(Box<GithubApp>),
    /// Access or ID tokens of a Google Cloud service account.
    Gcp(Box<Gcp>),
    /// Temporary credentials of AWS.
    Aws(Box<AwsToken>),
}

impl Token {
    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        match (self, kind) {
            (Self::Jwt(jwt), Kind::Ed25519 | Kind::P256 | Kind::Rsa) => jwt.check(kind),
            (Self::Oauth2(oauth2), Kind::Oauth2) => oauth2.check(),
            (Self::GithubApp(app), Kind::GithubApp) => app.check(),
            (Self::Gcp(gcp), Kind::Gcp) => gcp.check(),
            (Self::Aws(aws), Kind::Aws) => aws.check(),
            (other, _) => Err(BadBinding::Value {
                section: "token",
                field: other.name(),
                problem: format!("a secret of kind `{kind}` can't issue that"),
            }),
        }
    }

    /// What is issued, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Jwt(_) => "jwt",
            Self::Oauth2(_) => "oauth2",
            Self::GithubApp(_) => "github-app",
            Self::Gcp(_) => "gcp",
            Self::Aws(_) => "aws",
        }
    }
}

/// A value of this section that can't be meant.
fn bad(section: &'static str, field: &'static str, problem: impl Into<String>) -> BadBinding {
    BadBinding::Value {
        section,
        field,
        problem: problem.into(),
    }
}

/// The most members of a list.
const MAX_MEMBERS: usize = 64;
/// The longest name or text, in bytes.
const MAX_TEXT: usize = 256;

fn text(section: &'static str, field: &'static str, text: &str) -> Result<(), BadBinding> {
    if (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(());
    }
    let problem = format!(
        "`{}` is not a text of 1 to {MAX_TEXT} bytes without control characters",
        text.chars().take(64).collect::<String>().escape_debug()
    );
    Err(bad(section, field, problem))
}

fn texts(section: &'static str, field: &'static str, texts: &[String]) -> Result<(), BadBinding> {
    if texts.len() > MAX_MEMBERS {
        let problem = format!("at most {MAX_MEMBERS}");
        return Err(bad(section, field, problem));
    }
    texts.iter().try_for_each(|one| text(section, field, one))
}

/// Scopes as RFC 6749, section 3.3, writes them: they stand in one text with spaces between them.
fn scopes(section: &'static str, scopes: &[String]) -> Result<(), BadBinding> {
    texts(section, "scopes", scopes)?;
    let is_scope = |scope: &String| {
        let mut bytes = scope.bytes();
        bytes.all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    match scopes.iter().find(|scope| !is_scope(scope)) {
        None => Ok(()),
        Some(scope) => {
            let problem = format!("`{}` is not one scope", scope.escape_debug());
            Err(bad(section, "scopes", problem))
        }
    }
}

fn lifetime(section: &'static str, field: &'static str, seconds: u32) -> Result<(), BadBinding> {
    match (1..=LONGEST_TOKEN).contains(&seconds) {
        true => Ok(()),
        false => {
            let problem = format!("say how many seconds, from 1 to {LONGEST_TOKEN}");
            Err(bad(section, field, problem))
        }
    }
}
