//! Conditions on what an operation shows of itself: the method of `http`, the principals of
//! `ssh-certificate`, …
//!
//! A statement with such a condition is about one operation, because no other has the field.

use super::{BadGrant, escape, matches, quoted};
use crate::operation::OperationName;

/// What the operation itself has to look like. All that is set must hold; of several values of
/// one kind, one, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Particulars {
    /// `http`, `aws-sign`: one of these methods.
    pub methods: Vec<String>,
    /// `http`, `aws-sign`: a host like one of these; `*` stands for any text.
    pub hosts: Vec<String>,
    /// `http`, `aws-sign`: a path like one of these; `*` stands for any text without a slash,
    /// `**` for any text.
    pub paths: Vec<String>,
    /// `http`, `aws-sign`: `NAME=PATTERN`; all of them. Other parameters may be there too.
    pub query: Vec<String>,
    /// `http`: `/POINTER=PATTERN`; all of them. Other members may be there too.
    pub body: Vec<String>,
    /// `ssh-sign`: a namespace like one of these.
    pub namespaces: Vec<String>,
    /// `ssh-certificate`: no principal but these, and at least one.
    pub principals: Vec<String>,
    /// `token`: an audience like one of these.
    pub audiences: Vec<String>,
    /// `token`: no scope but these, and at least one.
    pub scopes: Vec<String>,
    /// `aws-sign`: one of these regions.
    pub regions: Vec<String>,
    /// `aws-sign`: one of these services of AWS.
    pub aws_services: Vec<String>,
    /// `token`, `ssh-certificate`: good for so many seconds at most.
    pub lifetime: Option<u32>,
}

use OperationName::{AwsSign, Http, SshCertificate, SshSign, Token};

impl Particulars {
    /// Whether there is nothing of an operation's own in it.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The conditions on this operation, in Cedar.
    pub(super) fn conditions(&self, operation: OperationName) -> Result<Vec<String>, BadGrant> {
        for (option, is_set, of) in self.options() {
            if is_set && !of.contains(&operation) {
                return Err(BadGrant::NotOf {
                    option,
                    operation,
                    of: of.to_vec(),
                });
            }
        }
        let field = |name: &str| {
            let record = operation.as_str().replace('-', "_");
            format!("context.{record}.{name}")
        };
        let mut all = Vec::new();
        let methods = self.methods.iter().map(|method| is_method(method));
        all.extend(one_of(&field("method"), methods)?);
        let hosts = self.hosts.iter().map(|host| matches(&host.to_lowercase()));
        all.extend(one_of(&field("host"), hosts)?);
        all.extend(any(self
            .paths
            .iter()
            .map(|path| is_path(&field("path"), path)))?);
        for (tags, pairs) in [("query", &self.query), ("body", &self.body)] {
            for pair in pairs {
                all.push(tag(&field(tags), tags == "body", pair)?);
            }
        }
        let namespaces = self.namespaces.iter().map(|namespace| matches(namespace));
        all.extend(one_of(&field("namespace"), namespaces)?);
        for (name, allowed) in [("principals", &self.principals), ("scopes", &self.scopes)] {
            if !allowed.is_empty() {
                // None at all would stand for all of them.
                let (field, allowed) = (field(name), list(allowed));
                all.push(format!(
                    "!{field}.isEmpty() && {allowed}.containsAll({field})"
                ));
            }
        }
        let audiences = self.audiences.iter().map(|audience| matches(audience));
        if let Some(condition) = one_of(&field("audience"), audiences)? {
            all.push(format!("context.token has audience && {condition}"));
        }
        let regions = self
            .regions
            .iter()
            .map(|region| Ok(format!("== {}", quoted(region))));
        all.extend(one_of(&field("region"), regions)?);
        let services = self
            .aws_services
            .iter()
            .map(|service| Ok(format!("== {}", quoted(service))));
        all.extend(one_of(&field("service"), services)?);
        all.extend(
            self.lifetime
                .map(|most| format!("{} <= {most}", field("lifetime"))),
        );
        Ok(all)
    }

    /// Each option by its name, whether it is set, and the operations that have it.
    fn options(&self) -> [(&'static str, bool, &'static [OperationName]); 12] {
        let set = |values: &Vec<String>| !values.is_empty();
        [
            ("--method", set(&self.methods), &[Http, AwsSign]),
            ("--host", set(&self.hosts), &[Http, AwsSign]),
            ("--path", set(&self.paths), &[Http, AwsSign]),
            ("--query", set(&self.query), &[Http, AwsSign]),
            ("--body", set(&self.body), &[Http]),
            ("--namespace", set(&self.namespaces), &[SshSign]),
            ("--principal", set(&self.principals), &[SshCertificate]),
            ("--audience", set(&self.audiences), &[Token]),
            ("--scope", set(&self.scopes), &[Token]),
            ("--region", set(&self.regions), &[AwsSign]),
            ("--aws-service", set(&self.aws_services), &[AwsSign]),
            (
                "--lifetime",
                self.lifetime.is_some(),
                &[Token, SshCertificate],
            ),
        ]
    }
}

/// `field == "a"`, or several of these in brackets; nothing if there are no values.
fn one_of(
    field: &str,
    tests: impl Iterator<Item = Result<String, BadGrant>>,
) -> Result<Option<String>, BadGrant> {
    any(tests.map(|test| Ok(format!("{field} {}", test?))))
}

fn any(
    conditions: impl Iterator<Item = Result<String, BadGrant>>,
) -> Result<Option<String>, BadGrant> {
    let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    Ok(match conditions.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("({})", several.join(" || "))),
    })
}

fn list(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

/// Methods are case-sensitive (RFC 9110, section 9.1), and what is sent is in capitals.
fn is_method(method: &str) -> Result<String, BadGrant> {
    let plain = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    match plain {
        true => Ok(format!("== {}", quoted(method))),
        false => Err(BadGrant::Method(method.to_owned())),
    }
}

/// Cedar's `*` stands for slashes too. A path that is like the pattern and has no more slashes
/// than it has none in place of a star.
fn is_path(field: &str, pattern: &str) -> Result<String, BadGrant> {
    if !pattern.starts_with(['/', '*']) {
        return Err(BadGrant::Path(pattern.to_owned()));
    }
    let whole = pattern.replace("\\\\", "").replace("\\*", "");
    let (single, double) = (whole.replace("**", "").contains('*'), whole.contains("**"));
    if single && double {
        return Err(BadGrant::Stars(pattern.to_owned()));
    }
    if double {
        return Ok(format!("{field} {}", matches(&fewer_stars(pattern))?));
    }
    let like = format!("{field} {}", matches(pattern)?);
    if !single {
        return Ok(like);
    }
    let more = format!("*{}", "/*".repeat(pattern.matches('/').count() + 1));
    Ok(format!("({like} && !({field} like \"{more}\"))"))
}

/// `**` as the one star of Cedar's, and what is escaped as it is.
fn fewer_stars(pattern: &str) -> String {
    let mut fewer = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        fewer.push(c);
        match c {
            '\\' => fewer.extend(rest.next()),
            '*' => while rest.next_if_eq(&'*').is_some() {},
            _ => {}
        }
    }
    fewer
}

/// `NAME=PATTERN` as a tag that has to be there.
fn tag(field: &str, is_pointer: bool, pair: &str) -> Result<String, BadGrant> {
    let bad = || match is_pointer {
        true => BadGrant::Pointer(pair.to_owned()),
        false => BadGrant::Pair(pair.to_owned()),
    };
    let (name, pattern) = pair.split_once('=').ok_or_else(bad)?;
    if name.is_empty() || (is_pointer && !name.starts_with('/')) {
        return Err(bad());
    }
    let mut key = String::new();
    name.chars().for_each(|c| escape(c, &mut key));
    let test = matches(pattern)?;
    Ok(format!(
        "{field}.hasTag(\"{key}\") && {field}.getTag(\"{key}\") {test}"
    ))
}
