//! A table of requests with what policy has to say to each: `strongroom policy test`.
//!
//! ```toml
//! # Held against these files; without them, against the policies in force.
//! policies = ["atlas.cedar"]
//!
//! # Secrets that need not be in the vault.
//! [secrets."heroku/prod"]
//! kind = "token"
//!
//! [[allow]]
//! service = "atlas"
//! operation = "http"
//! secret = "heroku/prod"
//! fields = { method = "POST", host = "api.heroku.com", path = "/apps/web/releases", query = {}, body = {}, size = 0 }
//!
//! [[deny]]
//! note = "nobody takes the value itself"
//! service = "atlas"
//! operation = "release"
//! secret = "heroku/prod"
//! ```
//!
//! JSON says the same with the same names. A case is a [`Supposed`] request. `allow` and `deny` may
//! also be lists of inline tables, one line each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BadCase, Policies, Said, Saying, Subject, Supposed, Target, case::Declared};
use crate::{name::Name, vault::catalog::Catalog};

/// A file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The files with the policies, seen from this one; none stands for those in force.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Secrets that need not be in the vault; they hide those that are.
    #[serde(default)]
    secrets: BTreeMap<Name, Declared>,
    /// Names that stand for them.
    #[serde(default)]
    aliases: BTreeMap<Name, Name>,
    #[serde(default)]
    allow: Vec<Supposed>,
    #[serde(default)]
    deny: Vec<Supposed>,
}

/// Why a file is no suite, or one of its cases no case.
#[derive(Debug, thiserror::Error)]
pub enum BadSuite {
    /// More than a file of tests has.
    #[error("it is longer than {} bytes", Suite::MAX_LEN)]
    TooLong,
    /// Neither TOML nor JSON of this form; the text says where.
    #[error("it is not a file of tests: {0}")]
    Unread(String),
    /// A file with nothing in it tests nothing.
    #[error("it has no case; write one below `[[allow]]` or `[[deny]]`")]
    Empty,
    /// Not a case.
    #[error("case {number} of `{list}`: {problem}")]
    Case {
        /// `allow` or `deny`.
        list: &'static str,
        /// From 1.
        number: usize,
        /// What is wrong with it.
        problem: BadCase,
    },
}

/// What became of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// `allow` or `deny`.
    pub expected: &'static str,
    /// Whether policy says it.
    pub passed: bool,
    /// What policy says.
    #[serde(flatten)]
    pub saying: Saying,
    /// Who asks.
    pub service: Name,
    /// What for.
    pub operation: String,
    /// With what.
    pub secret: Name,
    /// The case's own note.
    pub note: Option<String>,
}

impl Suite {
    /// The longest file, in bytes.
    pub const MAX_LEN: usize = 1024 * 1024;

    /// Reads a file: JSON if it begins with a brace, else TOML.
    pub fn parse(text: &str) -> Result<Self, BadSuite> {
        if text.len() > Self::MAX_LEN {
            return Err(BadSuite::TooLong);
        }
        let suite: Self = match text.trim_start().starts_with('{') {
            true => serde_json::from_str(text).map_err(|error| error.to_string()),
            false => toml::from_str(text).map_err(|error| error.to_string()),
        }
        .map_err(|why| BadSuite::Unread(why.trim_end().to_owned()))?;
        match suite.allow.is_empty() && suite.deny.is_empty() {
            true => Err(BadSuite::Empty),
            false => Ok(suite),
        }
    }

    /// Whether every secret that a case names is in the file, so that no vault is needed.
    pub fn is_complete(&self) -> bool {
        !self.policies.is_empty()
            && self.cases().all(|(_, _, case)| {
                let name = self.aliases.get(&case.secret).unwrap_or(&case.secret);
                self.secrets.contains_key(name)
            })
    }

    /// Puts every case to policy, in the order of the file.
    pub fn run(
        &self,
        policies: &Policies,
        catalog: Option<&Catalog>,
        now: Timestamp,
    ) -> Result<Vec<Tested>, BadSuite> {
        let declared: BTreeMap<_, _> = self
            .secrets
            .iter()
            .map(|(name, declared)| {
                (
                    name,
                    Subject::new(name, declared.kind, &declared.labels, declared.releasable),
                )
            })
            .collect();
        let run = |(list, number, case): (&'static str, usize, &Supposed)| {
            let name = self.aliases.get(&case.secret).unwrap_or(&case.secret);
            let target = match (declared.get(name), self.secrets.get(name), catalog) {
                (Some(subject), Some(declared), _) => Ok(Target {
                    subject,
                    kind: declared.kind,
                    binding: declared.binding.as_ref(),
                }),
                (_, _, Some(catalog)) => Target::named(catalog, name),
                _ => Err(BadCase::NoSecret(name.clone())),
            };
            let said = target.and_then(|target| {
                let (case, _) = case.case(target, now)?;
                Ok(policies.say(&case.question(target.subject)))
            });
            let saying = said.map_err(|problem| BadSuite::Case {
                list,
                number,
                problem,
            })?;
            Ok(Tested {
                expected: list,
                passed: (saying.said == Said::Allowed) == (list == "allow"),
                saying,
                service: case.service.clone(),
                operation: case.operation.to_string(),
                secret: case.secret.clone(),
                note: case.note.clone(),
            })
        };
        self.cases().map(run).collect()
    }

    fn cases(&self) -> impl Iterator<Item = (&'static str, usize, &Supposed)> {
        let allow = (1..)
            .zip(&self.allow)
            .map(|(number, case)| ("allow", number, case));
        let deny = (1..)
            .zip(&self.deny)
            .map(|(number, case)| ("deny", number, case));
        allow.chain(deny)
    }
}

#[cfg(test)]
mod tests;
