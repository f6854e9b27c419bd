//! Temporary credentials of AWS: which role, under which name, for how long.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BadBinding, MAX_MEMBERS, Pattern, bad, lifetime, text};
use crate::binding::{BaseUrl, Endpoint, is_aws_name};

const SECTION: &str = "token.aws";

/// `{"region": "eu-west-1", "roles": ["arn:aws:iam::123456789012:role/deploy"],
/// "session": "deploy-*", "max_lifetime": 900}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsToken {
    /// The region whose Security Token Service is asked.
    pub region: String,
    /// That service, where it is not `https://sts.REGION.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The roles that may be assumed, by their ARNs; the only one is taken if none is asked for.
    /// Without any, the credentials are the key's own, for a while (`GetSessionToken`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What a caller may ask for as the name of the session, which AWS's own log shows; taken as
    /// it is, if it has no `*`, when none is asked for. `strongroom` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Pattern>,
    /// What the role's trust policy asks for as `sts:ExternalId`. No secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// A session policy: the credentials have no more rights than it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Map<String, Value>>,
    /// The longest that the credentials may be good, in seconds, from 900 on. AWS allows 12 hours
    /// for a role, if the role does.
    pub max_lifetime: u32,
}

/// The shortest that AWS makes credentials for, in seconds.
pub const SHORTEST: u32 = 900;

/// The longest for a role.
const LONGEST_ROLE: u32 = 12 * 60 * 60;

/// The longest session policy, in characters.
const MAX_POLICY: usize = 2048;

impl AwsToken {
    /// Where the Security Token Service is.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.clone().or_else(|| {
            let suffix = match self.region.split_once('-') {
                Some(("cn", _)) => "amazonaws.com.cn",
                Some(("eusc", _)) => "amazonaws.eu",
                _ => "amazonaws.com",
            };
            let url: BaseUrl = format!("https://sts.{}.{suffix}", self.region)
                .parse()
                .ok()?;
            Some(Endpoint::new(url))
        })
    }

    /// The name of a session that a caller asks for, or leaves to the binding; `None` if the
    /// binding does not allow it, or leaves it to the caller.
    pub fn session(&self, asked: Option<&str>) -> Option<String> {
        match (asked, &self.session) {
            (None, None) => Some("strongroom".to_owned()),
            (None, Some(pattern)) => pattern.literal(),
            (Some(asked), None) => (asked == "strongroom").then(|| asked.to_owned()),
            (Some(asked), Some(pattern)) => pattern.allows(asked).then(|| asked.to_owned()),
        }
    }

    pub(super) fn check(&self) -> Result<(), BadBinding> {
        if !is_aws_name(&self.region) {
            return Err(bad(SECTION, "region", "write a region as in `eu-west-1`"));
        }
        match &self.endpoint {
            Some(endpoint) => endpoint.check(SECTION)?,
            None if self.endpoint().is_none() => {
                return Err(bad(SECTION, "region", "write a region as in `eu-west-1`"));
            }
            None => {}
        }
        if self.roles.len() > MAX_MEMBERS {
            return Err(bad(SECTION, "roles", format!("at most {MAX_MEMBERS}")));
        }
        for role in &self.roles {
            if !is_role(role) {
                let shown: String = role.chars().take(64).flat_map(char::escape_debug).collect();
                let problem =
                    format!("`{shown}` is not the ARN of a role: `arn:aws:iam::…:role/…`");
                return Err(bad(SECTION, "roles", problem));
            }
        }
        if let Some(session) = &self.session {
            session.check(SECTION, "session")?;
            if session.literal().is_some_and(|name| !is_session(&name)) {
                let problem = "2 to 64 letters, digits or characters of `_+=,.@-`";
                return Err(bad(SECTION, "session", problem));
            }
        }
        if let Some(id) = &self.external_id {
            text(SECTION, "external_id", id)?;
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
            if id.len() < 2 || !id.bytes().all(fits) {
                let problem = "2 to 256 letters, digits or characters of `_+=,.@:/-`";
                return Err(bad(SECTION, "external_id", problem));
            }
        }
        if let Some(policy) = &self.policy
            && Value::Object(policy.clone()).to_string().chars().count() > MAX_POLICY
        {
            let problem = format!("a session policy has at most {MAX_POLICY} characters");
            return Err(bad(SECTION, "policy", problem));
        }
        if self.roles.is_empty() {
            let of_roles = [
                ("session", self.session.is_some()),
                ("external_id", self.external_id.is_some()),
                ("policy", self.policy.is_some()),
            ];
            if let Some((field, _)) = of_roles.into_iter().find(|(_, is_there)| *is_there) {
                return Err(bad(SECTION, field, "only for a role; name `roles`"));
            }
        }
        lifetime(SECTION, "max_lifetime", self.max_lifetime)?;
        if self.max_lifetime < SHORTEST {
            let problem = format!("AWS makes credentials for {SHORTEST} s or more");
            return Err(bad(SECTION, "max_lifetime", problem));
        }
        match self.max_lifetime > LONGEST_ROLE && !self.roles.is_empty() {
            true => {
                let problem =
                    format!("AWS makes credentials of a role for {LONGEST_ROLE} s or less");
                Err(bad(SECTION, "max_lifetime", problem))
            }
            false => Ok(()),
        }
    }
}

/// `RoleSessionName` in the reference of `AssumeRole`.
pub(crate) fn is_session(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`
fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, role] => {
            is_aws_name(partition)
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && role
                    .strip_prefix("role/")
                    .is_some_and(|name| !name.is_empty())
                && arn.len() <= 2048
                && arn.bytes().all(is_plain)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        binding::{AwsToken, Binding, Token},
        operation::Kind,
    };

    const ROLE: &str = "arn:aws:iam::123456789012:role/ci/deploy";

    fn parse(aws: Value) -> Result<AwsToken, String> {
        let binding = Binding::parse(Kind::Aws, &json!({"token": {"aws": aws}}).to_string());
        match binding.map_err(|bad| bad.to_string())?.token {
            Some(Token::Aws(aws)) => Ok(*aws),
            other => panic!("{other:?}"),
        }
    }

    fn with(member: &str, value: Value) -> Value {
        let mut aws = json!({"region": "eu-west-1", "roles": [ROLE], "max_lifetime": 900});
        aws[member] = value;
        aws
    }

    #[test]
    fn the_service_is_the_regions() {
        for (region, url) in [
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            let aws = parse(with("region", region.into())).unwrap();
            assert_eq!(aws.endpoint().unwrap().url.to_string(), url);
        }
        let aws = parse(with("endpoint", "https://sts.internal.example".into())).unwrap();
        let url = aws.endpoint().unwrap().url.to_string();
        assert_eq!(url, "https://sts.internal.example");
    }

    #[test]
    fn a_session_is_named_as_the_binding_says() {
        let aws = parse(with("session", "ci-*".into())).unwrap();
        assert_eq!(aws.session(Some("ci-7")).as_deref(), Some("ci-7"));
        assert_eq!(aws.session(Some("prod")), None);
        assert_eq!(aws.session(None), None);
        let aws = parse(with("session", "ci".into())).unwrap();
        assert_eq!(aws.session(None).as_deref(), Some("ci"));
        let aws = parse(with("region", "eu-west-1".into())).unwrap();
        assert_eq!(aws.session(None).as_deref(), Some("strongroom"));
        assert_eq!(aws.session(Some("other")), None);
    }

    #[test]
    fn what_aws_would_refuse_is_refused_when_it_is_set() {
        let refused = |aws: Value, message: &str| {
            let told = parse(aws.clone()).unwrap_err();
            assert!(told.contains(message), "{aws}: {told}");
        };
        refused(with("region", "eu west".into()), "write a region");
        refused(with("region", "-.".into()), "write a region");
        refused(with("roles", json!(["deploy"])), "not the ARN of a role");
        let user = "arn:aws:iam::123456789012:user/deploy";
        refused(with("roles", json!([user])), "not the ARN of a role");
        refused(with("session", "a b".into()), "2 to 64 letters");
        refused(with("external_id", "a".into()), "2 to 256 letters");
        refused(
            with("policy", json!({"Id": "x".repeat(2048)})),
            "at most 2048",
        );
        refused(with("policy", json!("{}")), "expected a map");
        refused(with("max_lifetime", json!(899)), "900 s or more");
        refused(with("max_lifetime", json!(43_201)), "43200 s or less");
        refused(with("max_lifetime", json!(86_401)), "from 1 to 86400");
        refused(with("role", json!(ROLE)), "unknown field");
        let mut own = with("external_id", "abc".into());
        own["roles"] = json!([]);
        refused(own, "only for a role");
    }
}
