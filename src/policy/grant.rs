//! Common permits, written for people who do not know Cedar.
//!
//! What comes out is plain Cedar, checked like any other policy: there is nothing that a grant
//! can say and an owner could not write by hand.

use std::{fmt::Write, net::IpAddr};

use super::{PolicyError, PolicyText};
use crate::{name::Name, notification::Urgency, operation::OperationName, request::WayIn};

mod particulars;
mod times;

pub use particulars::Particulars;
pub use times::{BadTimes, Days, Hours, Times};

/// What `strongroom grant` was asked to allow. All conditions given must hold.
#[derive(Clone, Debug)]
pub struct GrantOptions {
    /// Who may.
    pub service: Name,
    /// What it may do; at least one.
    pub operations: Vec<OperationName>,
    /// With these secrets, by whatever name the caller asks for them.
    pub secrets: Vec<Name>,
    /// With whatever these aliases point at, now and later, if the caller asks by the alias.
    pub aliases: Vec<Name>,
    /// The purpose that the caller must state: `*` stands for any text, `\*` for a star, `\\`
    /// for a backslash.
    pub purpose: Option<String>,
    /// The ticket that the caller must give, in the same form.
    pub ticket: Option<String>,
    /// The way in that the request must take.
    pub way_in: Option<WayIn>,
    /// Addresses or ranges such as `10.0.0.0/8`: the client must be in one of them.
    pub addresses: Vec<String>,
    /// What the operation itself has to look like.
    pub particulars: Particulars,
    /// When the request may come.
    pub times: Times,
    /// `20 per hour`: for each service, secret and alias apart, and for each operation if there
    /// are particulars.
    pub limit: Option<String>,
    /// How soon a person should look at a use.
    pub notify: Option<Urgency>,
    /// `1 of security`: who has to say yes first.
    pub approve: Option<String>,
}

/// A suggested name and the checked policy.
#[derive(Clone, Debug)]
pub struct Grant {
    policy: PolicyText,
}

/// Why no grant was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// There is nothing to allow.
    #[error("a grant needs at least one operation and one secret")]
    Nothing,
    /// Not an address or range.
    #[error("`{}` is not an address or a range: write `192.0.2.7`, `10.0.0.0/8` or `2001:db8::/32`", .0.escape_debug())]
    Address(String),
    /// A stray backslash in a pattern.
    #[error("`{}` has a stray backslash: write `\\*` for a star and `\\\\` for a backslash", .0.escape_debug())]
    Pattern(String),
    /// An option that is about another operation.
    #[error("`{option}` is not a condition on `{operation}`; it is one on {}: grant the other operations apart", list(.of))]
    NotOf {
        /// The option.
        option: &'static str,
        /// What it was given for.
        operation: OperationName,
        /// What has it.
        of: Vec<OperationName>,
    },
    /// Not a method.
    #[error("`{}` is not an HTTP method: write it in capitals, `POST`", .0.escape_debug())]
    Method(String),
    /// Not a path.
    #[error("`{}` is not a path: it begins with a slash, as in `/apps/*/releases`", .0.escape_debug())]
    Path(String),
    /// A path in which stars stand for different things.
    #[error("`{}` has both `*` (no slash) and `**` (slashes too): write two grants, or a policy by hand", .0.escape_debug())]
    Stars(String),
    /// Not a pair.
    #[error("`{}` is not a name and a value: write `force=true`", .0.escape_debug())]
    Pair(String),
    /// Not a pointer and a value.
    #[error("`{}` is not a place in the body and a value: write `/slug=web-*`", .0.escape_debug())]
    Pointer(String),
    /// The text that came out is not accepted as a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Writes a policy that permits what the options say: one statement for each secret or alias, and
/// for each operation if there are conditions on what it looks like.
pub fn grant(options: &GrantOptions) -> Result<Grant, BadGrant> {
    let by_name = options.secrets.iter().map(|secret| {
        (
            format!("resource == Secret::{}", quoted(secret.as_str())),
            None,
        )
    });
    let by_alias = options.aliases.iter().map(|alias| {
        (
            "resource".to_owned(),
            Some(format!("context.asked == {}", quoted(alias.as_str()))),
        )
    });
    let targets: Vec<_> = by_name.chain(by_alias).collect();
    if targets.is_empty() || options.operations.is_empty() {
        return Err(BadGrant::Nothing);
    }
    let conditions = conditions(options)?;
    let service = quoted(options.service.as_str());
    let mut text = String::new();
    for (action, particulars) in actions(options)? {
        for (resource, asked) in &targets {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&annotations(options));
            let scope = [
                format!("principal == Service::{service}"),
                action.clone(),
                resource.clone(),
            ];
            let _ = write!(text, "permit (\n    {}\n)", scope.join(",\n    "));
            let when: Vec<_> = asked
                .iter()
                .chain(&particulars)
                .chain(&conditions)
                .map(String::as_str)
                .collect();
            if !when.is_empty() {
                let _ = write!(text, "\nwhen {{\n    {}\n}}", when.join(" &&\n    "));
            }
            text.push_str(";\n");
        }
    }
    Ok(Grant {
        policy: PolicyText::check(suggested_name(options), &text)?,
    })
}

impl Grant {
    /// The policy as it would be stored.
    pub fn policy(&self) -> &PolicyText {
        &self.policy
    }

    /// The same grant under a name that is not taken, so that it adds to earlier grants and
    /// replaces none: `atlas-sign-key`, `atlas-sign-key-2`, …
    pub fn named_apart(self, taken: impl Fn(&Name) -> bool) -> Result<PolicyText, PolicyError> {
        let suggested = self.policy.name().clone();
        if !taken(&suggested) {
            return Ok(self.policy);
        }
        let free = (2_u32..)
            .filter_map(|n| cut(suggested.as_str(), &format!("-{n}")))
            .find(|name| !taken(name))
            .unwrap_or(suggested);
        PolicyText::check(free, self.policy.text())
    }
}

/// The scopes' actions, each with the conditions that only it can have.
fn actions(options: &GrantOptions) -> Result<Vec<(String, Vec<String>)>, BadGrant> {
    if options.particulars.is_empty() {
        return Ok(vec![(action(&options.operations), Vec::new())]);
    }
    let mut seen = Vec::new();
    let mut actions = Vec::new();
    for operation in &options.operations {
        if !seen.contains(operation) {
            seen.push(*operation);
            let conditions = options.particulars.conditions(*operation)?;
            actions.push((action(&[*operation]), conditions));
        }
    }
    Ok(actions)
}

fn annotations(options: &GrantOptions) -> String {
    let notify = options.notify.map(|urgency| match urgency {
        Urgency::Urgent => "urgent".to_owned(),
        Urgency::Normal => "normal".to_owned(),
        Urgency::Quiet => "quiet".to_owned(),
    });
    let mut text = String::new();
    for (key, value) in [
        ("approve", &options.approve),
        ("limit", &options.limit),
        ("notify", &notify),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "@{key}({})", quoted(value));
        }
    }
    text
}

fn action(operations: &[OperationName]) -> String {
    let mut names: Vec<String> = Vec::new();
    for operation in operations {
        let name = format!("Action::{}", quoted(&operation.to_string()));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [one] => format!("action == {one}"),
        several => format!("action in [{}]", several.join(", ")),
    }
}

fn conditions(options: &GrantOptions) -> Result<Vec<String>, BadGrant> {
    let mut conditions = Vec::new();
    for (key, stated) in [("purpose", &options.purpose), ("ticket", &options.ticket)] {
        if let Some(stated) = stated {
            conditions.push(format!(
                "context has {key} && context.{key} {}",
                matches(stated)?
            ));
        }
    }
    if let Some(way_in) = options.way_in {
        let way_in = match way_in {
            WayIn::Tls => "tls",
            WayIn::Local => "local",
        };
        conditions.push(format!("context.way_in == WayIn::{}", quoted(way_in)));
    }
    let ranges = options
        .addresses
        .iter()
        .map(|range| {
            Ok(format!(
                "context.address.isInRange(ip({}))",
                quoted(address(range)?)
            ))
        })
        .collect::<Result<Vec<_>, BadGrant>>()?;
    match ranges.as_slice() {
        [] => {}
        [one] => conditions.push(format!("context has address && {one}")),
        several => conditions.push(format!("context has address && ({})", several.join(" || "))),
    }
    conditions.extend(options.times.conditions());
    Ok(conditions)
}

/// `like` with a pattern, or `==` where the pattern has no wildcard.
fn matches(pattern: &str) -> Result<String, BadGrant> {
    let (mut like, mut literal, mut wild) = (String::new(), String::new(), false);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => {
                like.push('*');
                wild = true;
            }
            '\\' => match rest.next() {
                Some('*') => {
                    like.push_str("\\*");
                    literal.push('*');
                }
                Some('\\') => {
                    escape('\\', &mut like);
                    escape('\\', &mut literal);
                }
                _ => return Err(BadGrant::Pattern(pattern.to_owned())),
            },
            c => {
                escape(c, &mut like);
                escape(c, &mut literal);
            }
        }
    }
    Ok(if wild {
        format!("like \"{like}\"")
    } else {
        format!("== \"{literal}\"")
    })
}

/// Words for an error message: `` `a`, `b` ``.
fn list(operations: &[OperationName]) -> String {
    let quoted: Vec<_> = operations.iter().map(|one| format!("`{one}`")).collect();
    quoted.join(" and ")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    text.chars().for_each(|c| escape(c, &mut quoted));
    quoted.push('"');
    quoted
}

/// A character inside a Cedar string literal, where a star has no meaning of its own.
fn escape(c: char, into: &mut String) {
    match c {
        '"' | '\\' => into.extend(['\\', c]),
        c if super::mistake::misleads(c) || c.is_control() => {
            let _ = write!(into, "{}", c.escape_unicode());
        }
        c => into.push(c),
    }
}

fn address(range: &str) -> Result<&str, BadGrant> {
    let bad = || BadGrant::Address(range.to_owned());
    let (ip, prefix) = range
        .split_once('/')
        .map_or((range, None), |(ip, prefix)| (ip, Some(prefix)));
    let widest: u8 = match ip.parse().map_err(|_| bad())? {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let fits = |prefix: &str| prefix.parse::<u8>().is_ok_and(|prefix| prefix <= widest);
    if prefix.is_none_or(fits) {
        Ok(range)
    } else {
        Err(bad())
    }
}

/// `atlas-sign-deploy-key`; with several operations or secrets the first of each and no more.
fn suggested_name(options: &GrantOptions) -> Name {
    let mut name = options.service.to_string();
    if let [operation] = options.operations.as_slice() {
        let _ = write!(name, "-{operation}");
    }
    if let Some(target) = options.secrets.iter().chain(&options.aliases).next() {
        let _ = write!(name, "-{target}");
    }
    cut(&name, "").unwrap_or_else(|| options.service.clone())
}

/// The longest beginning that is a name together with the ending.
fn cut(text: &str, ending: &str) -> Option<Name> {
    let room = Name::MAX_LEN.saturating_sub(ending.len());
    let beginning = text.get(..text.len().min(room))?;
    let beginning = beginning.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    format!("{beginning}{ending}").parse().ok()
}

#[cfg(test)]
mod tests;
