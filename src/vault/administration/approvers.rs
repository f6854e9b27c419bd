//! Approvers: who may say yes where a policy asks for it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Told;
use crate::{
    approval::{Approver, ApproverKey},
    audit::{Action, By},
    name::Name,
    vault::{Catalog, Change, Vault, VaultError, record::Record},
};

/// The longest mail address, in bytes (RFC 5321 section 4.5.3.1.3, without its angle brackets).
pub const MAX_MAIL: usize = 254;

/// What is true of a new approver.
#[derive(Clone, Debug)]
pub struct ApproverOptions {
    /// What the approver signs with; at least one.
    pub keys: Vec<ApproverKey>,
    /// The groups that policies name; at least one.
    pub groups: BTreeSet<Name>,
    /// The services that the approver runs, and can't approve for.
    pub operates: BTreeSet<Name>,
    /// Where mail channels write to.
    pub mail: Option<String>,
}

/// What is to be true of an approver from now on; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ApproverChanges {
    /// All keys; the ones that are not among them count no more.
    pub keys: Option<Vec<ApproverKey>>,
    /// All groups.
    pub groups: Option<BTreeSet<Name>>,
    /// All services that the approver runs.
    pub operates: Option<BTreeSet<Name>>,
    /// The mail address; `Some(None)` takes it away.
    pub mail: Option<Option<String>>,
}

impl Vault {
    /// Enrols an approver.
    pub fn add_approver(
        &self,
        name: &Name,
        options: &ApproverOptions,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| match catalog.approver(name) {
            Some(known) if known.retired => Err(VaultError::ApproverRetired(name.clone())),
            Some(_) => Err(VaultError::ApproverExists(name.clone())),
            None => approver(catalog, name, 1, options.clone(), Action::ApproverAdded),
        })
    }

    /// Changes what is true of an approver. Decisions that were made with a key which is not
    /// theirs any more count no more either.
    pub fn change_approver(
        &self,
        name: &Name,
        changes: &ApproverChanges,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let known = enrolled(catalog, name)?;
            let changes = changes.clone();
            let options = ApproverOptions {
                keys: changes.keys.unwrap_or_else(|| known.keys.clone()),
                groups: changes.groups.unwrap_or_else(|| known.groups.clone()),
                operates: changes.operates.unwrap_or_else(|| known.operates.clone()),
                mail: changes.mail.unwrap_or_else(|| known.mail.clone()),
            };
            let is_same = options.keys == known.keys
                && options.groups == known.groups
                && options.operates == known.operates
                && options.mail == known.mail;
            if is_same {
                return Err(VaultError::SameApprover(name.clone()));
            }
            let version = known.version.saturating_add(1);
            approver(catalog, name, version, options, Action::ApproverChanged)
        })
    }

    /// Takes an approver's say away, for good: what was approved and not yet used, too.
    pub fn retire_approver(&self, name: &Name, now: Timestamp) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let known = enrolled(catalog, name)?;
            let told = Told {
                action: Action::ApproverRetired,
                subject: name,
                version: Some(known.version),
                detail: None,
                by: By::Owner,
            };
            Ok((Record::ApproverRetirement { name: name.clone() }, told))
        })
    }
}

fn enrolled<'a>(catalog: &'a Catalog, name: &Name) -> Result<&'a Approver, VaultError> {
    match catalog.approver(name) {
        Some(known) if known.retired => Err(VaultError::ApproverRetired(name.clone())),
        Some(known) => Ok(known),
        None => Err(VaultError::NoApprover(name.clone())),
    }
}

fn approver<'a>(
    catalog: &Catalog,
    name: &'a Name,
    version: u32,
    options: ApproverOptions,
    action: Action,
) -> Result<(Record, Told<'a>), VaultError> {
    let ApproverOptions {
        keys,
        groups,
        operates,
        mail,
    } = options;
    check_keys(catalog, name, &keys)?;
    if groups.is_empty() {
        return Err(VaultError::NoGroup(name.clone()));
    }
    // A name with a slip in it would protect nobody.
    if let Some(unknown) = operates.iter().find(|of| catalog.service(of).is_none()) {
        return Err(VaultError::NoService(unknown.clone()));
    }
    if let Some(mail) = mail.as_ref().filter(|mail| !is_address(mail)) {
        return Err(VaultError::BadMail(mail.clone()));
    }
    let told = Told {
        action,
        subject: name,
        version: Some(version),
        detail: Some(detail(&keys, &groups, &operates)),
        by: By::Owner,
    };
    let record = Record::Approver {
        name: name.clone(),
        version,
        keys: keys.iter().map(ApproverKey::to_line).collect(),
        groups,
        operates,
        mail,
    };
    Ok((record, told))
}

/// What the audit log says of an approver: who may decide what can be followed there.
fn detail(keys: &[ApproverKey], groups: &BTreeSet<Name>, operates: &BTreeSet<Name>) -> String {
    let names = |names: &BTreeSet<Name>| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let keys: Vec<_> = keys
        .iter()
        .map(|key| format!("`{}`", key.fingerprint()))
        .collect();
    let mut detail = format!("groups {}; keys {}", names(groups), keys.join(", "));
    if !operates.is_empty() {
        detail.push_str(&format!("; operates {}", names(operates)));
    }
    detail
}

fn check_keys(catalog: &Catalog, name: &Name, keys: &[ApproverKey]) -> Result<(), VaultError> {
    if keys.is_empty() {
        return Err(VaultError::NoApproverKey(name.clone()));
    }
    for (at, key) in keys.iter().enumerate() {
        if keys.iter().take(at).any(|earlier| earlier == key) {
            return Err(VaultError::ApproverKeyTwice(key.fingerprint()));
        }
        if let Some(holder) = catalog.holder_of_approver_key(key, name) {
            return Err(VaultError::ApproverKeyTaken {
                key: key.fingerprint(),
                holder,
            });
        }
    }
    Ok(())
}

/// `ana@example.com`: one word with something on both sides of its `@`. Whether somebody reads it,
/// only a mail tells.
fn is_address(text: &str) -> bool {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_graphic() && !"<>,;\"\\()[]:".contains(c));
    let parts: Vec<_> = text.split('@').collect();
    text.len() <= MAX_MAIL
        && plain
        && matches!(parts.as_slice(), [one, two] if !one.is_empty() && !two.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_words_with_an_at_in_them() {
        for good in ["ana@example.com", "a.b+c@d", "o'neil@example.com"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(254));
        for bad in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "a@b@c",
            "a b@c",
            "Ana <ana@example.com>",
            "a@b,c@d",
            "a\n@b",
            "a@b\r\nBcc: x@y",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
