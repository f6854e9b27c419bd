//! The section `aws`: the regions, services and hosts that a key signs for.
//!
//! A signature names one region and one service, and AWS takes it for no other: these two bound
//! what a caller can get. The host is signed too, but a name that is not AWS's own may still reach
//! AWS (S3 takes any host for the name of a bucket), so other hosts have to be named.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{BadBinding, BaseUrl, Http};
use crate::{
    operation::{Kind, Unsuitable},
    outgoing::aws::Scope,
};

/// `{"regions": ["eu-west-1"], "services": ["s3", "sqs"], "presigned_seconds": 300}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Regions by their names in signatures, at least one; global services have one too, for
    /// example `us-east-1` for IAM.
    pub regions: Vec<String>,
    /// Services by their names in signatures, at least one: `s3`, `execute-api`, …
    pub services: Vec<String>,
    /// The hosts that requests may be signed for; AWS's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostPattern>>,
    /// How long a presigned URL may be good, in seconds: 1 to 604800 (7 days); 900 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presigned_seconds: Option<u32>,
}

/// `*.example.com`: any name below, with TLS on its own port. `example.com`, `example.com:8443` or
/// `http://10.0.0.7:9000`: this host, port and scheme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// Any name below this one, which begins with a dot.
    Below(String),
    /// This one.
    Is(BaseUrl),
}

/// The DNS suffixes of AWS's partitions, and of their dual-stack endpoints.
const AWS_SUFFIXES: [&str; 14] = [
    ".amazonaws.com",
    ".api.aws",
    ".amazonaws.com.cn",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
    ".api.amazonwebservices.eu",
    ".c2s.ic.gov",
    ".api.aws.ic.gov",
    ".sc2s.sgov.gov",
    ".api.aws.scloud",
    ".cloud.adc-e.uk",
    ".api.cloud-aws.adc-e.uk",
    ".csp.hci.ic.gov",
    ".api.aws.hci.ic.gov",
];

/// The longest list in the section.
const MAX_MEMBERS: usize = 256;

impl Aws {
    /// How long AWS lets a presigned URL be good, in seconds: 7 days.
    pub const LONGEST_PRESIGNED: u32 = 7 * 24 * 60 * 60;

    /// How long one may be when the binding does not say.
    const PRESIGNED: u32 = 900;

    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        for (field, names) in [("regions", &self.regions), ("services", &self.services)] {
            if names.is_empty() || names.len() > MAX_MEMBERS {
                return wrong(
                    field,
                    format!("name at least one, and at most {MAX_MEMBERS}"),
                );
            }
            if let Some(name) = names.iter().find(|name| !is_name(name)) {
                return wrong(
                    field,
                    format!(
                        "`{}` is not a name; write it as in signatures: up to 64 letters, digits, `-`, `_` or `.`",
                        name.chars()
                            .take(64)
                            .flat_map(char::escape_debug)
                            .collect::<String>()
                    ),
                );
            }
        }
        match &self.hosts {
            Some(hosts) if hosts.is_empty() || hosts.len() > MAX_MEMBERS => {
                return wrong(
                    "hosts",
                    format!(
                        "name at least one and at most {MAX_MEMBERS}, or leave it out for AWS's own"
                    ),
                );
            }
            _ => {}
        }
        match self.presigned_seconds {
            Some(seconds) if !(1..=Self::LONGEST_PRESIGNED).contains(&seconds) => wrong(
                "presigned_seconds",
                format!(
                    "a presigned URL is good for 1 to {} seconds",
                    Self::LONGEST_PRESIGNED
                ),
            ),
            _ => Ok(()),
        }
    }

    /// Whether a request to `url` may be signed, for this service and region.
    pub(crate) fn allows(&self, scope: Scope<'_>, url: &BaseUrl) -> Result<(), Unsuitable> {
        let refused = |what: &str, name: &str, allowed: &str| {
            Err(Unsuitable::NotBound(format!(
                "sign for the {what} `{name}`; it allows {allowed}"
            )))
        };
        if !self.regions.iter().any(|region| region == scope.region) {
            return refused("region", scope.region, &list(&self.regions));
        }
        if !self.services.iter().any(|service| service == scope.service) {
            return refused("service", scope.service, &list(&self.services));
        }
        let is_allowed = match &self.hosts {
            Some(hosts) => hosts.iter().any(|pattern| pattern.fits(url)),
            None => AWS_SUFFIXES.iter().any(|suffix| is_below(url, suffix)),
        };
        match (is_allowed, &self.hosts) {
            (true, _) => Ok(()),
            (false, Some(hosts)) => refused("host", &shown(url), &list(hosts)),
            (false, None) => refused("host", &shown(url), "the hosts of AWS itself"),
        }
    }

    /// How long a presigned URL may be good, in seconds.
    pub fn longest_presigned(&self) -> u32 {
        self.presigned_seconds.unwrap_or(Self::PRESIGNED)
    }

    /// What requests to a host are signed for: the one region and the one service that there are,
    /// or those that are labels of the host's name.
    pub(crate) fn scope_of(&self, host: &str) -> Result<Scope<'_>, BadBinding> {
        let choose = |field: &'static str, names: &'_ [String]| -> Result<usize, BadBinding> {
            let is_label = |name: &str| host.split('.').any(|label| label == name);
            let mut labels = names.iter().enumerate().filter(|(_, name)| is_label(name));
            match (names, labels.next(), labels.next()) {
                ([_], ..) => Ok(0),
                (_, Some((at, _)), None) => Ok(at),
                _ => Err(BadBinding::Value {
                    section: "aws",
                    field,
                    problem: format!(
                        "which of them are requests to `{host}` signed for? name one, or bind another secret"
                    ),
                }),
            }
        };
        let region = choose("regions", &self.regions)?;
        let service = choose("services", &self.services)?;
        match (self.regions.get(region), self.services.get(service)) {
            (Some(region), Some(service)) => Ok(Scope { region, service }),
            _ => wrong("regions", "name at least one".to_owned()),
        }
    }
}

/// Whether the requests of the section `http` can be signed: it settles what for.
pub(super) fn check_http(aws: Option<&Aws>, http: &Http) -> Result<(), BadBinding> {
    match aws {
        Some(aws) => aws.scope_of(http.base_url.url.host()).map(|_| ()),
        None => Err(BadBinding::Value {
            section: "http",
            field: "base_url",
            problem:
                "requests there are signed; say for which region and service in the section `aws`"
                    .to_owned(),
        }),
    }
}

impl HostPattern {
    fn fits(&self, url: &BaseUrl) -> bool {
        match self {
            Self::Below(suffix) => is_below(url, suffix),
            Self::Is(other) => other == url,
        }
    }
}

fn is_below(url: &BaseUrl, suffix: &str) -> bool {
    url.is_tls()
        && url.port() == 443
        && url
            .host()
            .strip_suffix(suffix)
            .is_some_and(|name| !name.is_empty())
}

/// As a pattern would be written.
fn shown(url: &BaseUrl) -> String {
    match url.is_tls() {
        true => url.authority(),
        false => format!("http://{}", url.authority()),
    }
}

/// A region or a service, as credential scopes have them.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

fn list(words: &[impl fmt::Display]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

fn wrong<T>(field: &'static str, problem: String) -> Result<T, BadBinding> {
    Err(BadBinding::Value {
        section: "aws",
        field,
        problem,
    })
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_host = |text: &str| {
            let url: BaseUrl = text.parse().map_err(|bad: super::BadUrl| bad.to_string())?;
            match url.path() {
                "" => Ok(url),
                _ => Err(format!("`{url}` has a path; name the host alone")),
            }
        };
        if let Some(name) = text.strip_prefix("*.") {
            let url: BaseUrl = is_host(&format!("https://{name}"))?;
            return match url.port() {
                443 if name.contains(|c: char| c.is_ascii_alphabetic()) => {
                    Ok(Self::Below(format!(".{}", url.host())))
                }
                _ => Err(format!(
                    "`{}` is not a pattern; write it as `*.example.com`",
                    text.chars()
                        .take(128)
                        .flat_map(char::escape_debug)
                        .collect::<String>()
                )),
            };
        }
        let url = match text.contains("://") {
            true => is_host(text)?,
            false => is_host(&format!("https://{text}"))?,
        };
        Ok(Self::Is(url))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(suffix) => write!(f, "*{suffix}"),
            Self::Is(url) => f.write_str(&shown(url)),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        binding::{Aws, Binding},
        operation::Kind,
        outgoing::aws::Scope,
    };

    fn parse(aws: Value) -> Result<Aws, String> {
        let binding = Binding::parse(Kind::Aws, &json!({ "aws": aws }).to_string());
        let aws = binding.map_err(|bad| bad.to_string())?.aws.unwrap();
        // What is stored is read back as the same.
        let again = serde_json::from_value(serde_json::to_value(&aws).unwrap()).unwrap();
        assert_eq!(aws, again);
        Ok(aws)
    }

    fn allows(aws: &Aws, region: &str, service: &str, url: &str) -> bool {
        let scope = Scope { region, service };
        aws.allows(scope, &url.parse().unwrap()).is_ok()
    }

    #[test]
    fn only_what_is_named_is_signed_for() {
        let aws = parse(json!({"regions": ["eu-west-1"], "services": ["s3", "sts"]})).unwrap();
        let s3 = |url| allows(&aws, "eu-west-1", "s3", url);
        assert!(s3("https://bucket.s3.eu-west-1.amazonaws.com"));
        assert!(s3("https://s3.dualstack.eu-west-1.amazonaws.com"));
        assert!(s3("https://s3.cn-north-1.amazonaws.com.cn"));
        assert!(!s3("https://amazonaws.com"));
        assert!(!s3("https://evilamazonaws.com"));
        assert!(!s3("https://amazonaws.com.evil.example"));
        assert!(!s3("https://bucket.s3.eu-west-1.amazonaws.com:8443"));
        assert!(!s3("http://bucket.s3.eu-west-1.amazonaws.com"));
        let host = "https://sts.eu-west-1.amazonaws.com";
        assert!(allows(&aws, "eu-west-1", "sts", host));
        assert!(!allows(&aws, "eu-west-2", "sts", host));
        assert!(!allows(&aws, "eu-west-1", "iam", host));
        assert_eq!(aws.longest_presigned(), 900);
    }

    #[test]
    fn other_hosts_are_named() {
        let hosts = [
            "*.storage.example",
            "Minio.internal:9443",
            "http://10.0.0.7:9000",
        ];
        let aws = parse(json!({"regions": ["x"], "services": ["s3"], "hosts": hosts})).unwrap();
        let s3 = |url| allows(&aws, "x", "s3", url);
        assert!(s3("https://bucket.storage.example"));
        assert!(s3("https://minio.internal:9443"));
        assert!(s3("http://10.0.0.7:9000"));
        assert!(!s3("https://storage.example"));
        assert!(!s3("http://bucket.storage.example"));
        assert!(!s3("https://10.0.0.7:9000"));
        assert!(!s3("https://s3.eu-west-1.amazonaws.com"));
    }

    #[test]
    fn a_host_says_what_it_is_signed_for() {
        let aws = parse(json!({"regions": ["eu-west-1", "us-east-1"], "services": ["s3", "sqs"]}))
            .unwrap();
        let of = |host| {
            aws.scope_of(host)
                .map(|scope| (scope.region, scope.service))
        };
        assert_eq!(
            of("bucket.s3.us-east-1.amazonaws.com"),
            Ok(("us-east-1", "s3"))
        );
        assert_eq!(of("sqs.eu-west-1.amazonaws.com"), Ok(("eu-west-1", "sqs")));
        assert_eq!(
            of("sqs.amazonaws.com").unwrap_err().to_string(),
            "aws.regions: which of them are requests to `sqs.amazonaws.com` signed for? name one, or bind another secret"
        );
        assert!(of("s3.sqs.eu-west-1.amazonaws.com").is_err());
        let one = parse(json!({"regions": ["eu-west-1"], "services": ["s3"]})).unwrap();
        assert!(one.scope_of("minio.internal").is_ok());
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let refused = |aws: Value, message: &str| {
            let told = parse(aws.clone()).unwrap_err();
            assert!(told.contains(message), "{aws}: {told}");
        };
        refused(
            json!({"regions": [], "services": ["s3"]}),
            "aws.regions: name at least one",
        );
        refused(
            json!({"regions": ["x"], "services": ["*"]}),
            "aws.services: `*` is not a name",
        );
        let with = |member: &str, value: Value| {
            let mut aws = json!({"regions": ["x"], "services": ["s3"]});
            aws[member] = value;
            aws
        };
        refused(with("presigned_seconds", json!(604_801)), "1 to 604800");
        refused(with("presigned_seconds", json!(0)), "1 to 604800");
        refused(with("hosts", json!([])), "leave it out for AWS's own");
        refused(with("hosts", json!(["*"])), "not a base URL");
        refused(with("hosts", json!(["*.com:8443"])), "not a pattern");
        refused(with("hosts", json!(["*.0.0.1"])), "not a");
        refused(with("hosts", json!(["a.example/path"])), "has a path");
        refused(with("region", json!("x")), "unknown field");
    }
}
