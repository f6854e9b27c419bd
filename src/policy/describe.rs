//! A policy in one line, for lists.

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};
use serde::Serialize;

use super::PolicyText;
use crate::name::Name;

/// One line of `strongroom policy show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// The policy's name.
    pub name: Name,
    /// Which version of it is in force.
    pub version: u32,
    /// What it does, in short.
    pub summary: String,
}

impl PolicyLine {
    /// The line for a policy whose version is `version`.
    pub fn new(policy: &PolicyText, version: u32) -> Self {
        Self {
            name: policy.name().clone(),
            version,
            summary: policy.summary(),
        }
    }
}

impl PolicyText {
    /// What the policy does, in one line: who may or must not do what with which secret, and
    /// whether conditions apply. The conditions themselves are in the text.
    pub fn summary(&self) -> String {
        self.statements()
            .iter()
            .map(|one| statement(&one.policy))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn statement(statement: &Policy) -> String {
    let who = match statement.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => "every service".to_owned(),
        PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid) => quoted(&uid),
    };
    let may = match statement.effect() {
        Effect::Permit => "may",
        Effect::Forbid => "must not",
    };
    let what = match statement.action_constraint() {
        ActionConstraint::Any => "do anything".to_owned(),
        ActionConstraint::Eq(uid) => quoted(&uid),
        ActionConstraint::In(uids) => uids.iter().map(quoted).collect::<Vec<_>>().join(", "),
    };
    let with = match statement.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => "any secret".to_owned(),
        ResourceConstraint::Eq(uid)
        | ResourceConstraint::In(uid)
        | ResourceConstraint::IsIn(_, uid) => quoted(&uid),
    };
    let when = if statement.has_non_scope_constraint() {
        ", on conditions"
    } else {
        ""
    };
    format!("{who} {may} {what} with {with}{when}")
}

fn quoted(uid: &EntityUid) -> String {
    format!("`{}`", uid.id().unescaped().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::PolicyLine;
    use crate::policy::PolicyText;

    fn summary(text: &str) -> String {
        let policy = PolicyText::check("p".parse().unwrap(), text).unwrap();
        PolicyLine::new(&policy, 2).summary
    }

    #[test]
    fn a_summary_says_who_may_do_what() {
        assert_eq!(
            summary(
                r#"permit (principal == Service::"atlas", action == Action::"sign", resource == Secret::"key");"#
            ),
            "`atlas` may `sign` with `key`"
        );
        assert_eq!(
            summary(
                r#"forbid (principal, action in [Action::"sign", Action::"release"], resource is Secret)
                   when { context.way_in == WayIn::"tls" };
                   permit (principal is Service, action, resource);"#
            ),
            "every service must not `sign`, `release` with any secret, on conditions; \
             every service may do anything with any secret"
        );
    }
}
