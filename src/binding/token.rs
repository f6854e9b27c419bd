//! The section `token`: what may be issued: claims, scopes and the longest lifetime.
//!
//! It has one member, named after what is issued: `{"token": {"jwt": {…}}}`.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

mod aws;
mod jwt;
mod pattern;

pub use aws::AwsToken;
pub use jwt::{Jwt, JwtAlgorithm};
pub use pattern::Pattern;

/// What may be issued with a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Token {
    /// JSON Web Tokens, signed with the key.
    Jwt(Box<Jwt>),
    /// Temporary credentials of AWS.
    Aws(Box<AwsToken>),
}

impl Token {
    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        match (self, kind) {
            (Self::Jwt(jwt), Kind::Ed25519 | Kind::P256 | Kind::Rsa) => jwt.check(kind),
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
