//! Who may ask and who may approve: services and approvers, and that no key is two of them.

use super::Fold;
use crate::{
    approval::{Approver, ApproverKey},
    name::Name,
    service::key::{PublicKey, Thumbprint},
    vault::catalog::{Catalog, Enrolled},
};

impl Fold {
    pub(super) fn add_service(&mut self, name: Name, keys: &[String]) -> Result<(), String> {
        if self.catalog.enrolled.contains_key(&name) {
            return Err(format!("service `{name}` is enrolled already"));
        }
        if keys.is_empty() {
            return Err(format!("service `{name}` has no key"));
        }
        self.services_changed = true;
        let service = Enrolled {
            name: name.clone(),
            keys: Vec::new(),
            retired_keys: Vec::new(),
            suspended: false,
            stopped: None,
        };
        self.catalog.enrolled.insert(name.clone(), service);
        // One by one, so that a key that is in the list twice is found too.
        for key in keys {
            let key = self.service_key(key)?;
            self.service(&name)?.keys.push(key);
        }
        Ok(())
    }

    /// A key that may be enrolled: a key tells which service asks, so no two may share one.
    pub(super) fn service_key(&self, text: &str) -> Result<PublicKey, String> {
        let key = PublicKey::parse(text).map_err(|error| error.to_string())?;
        let thumbprint = key.thumbprint();
        if !key.can_sign_requests() {
            return Err(format!(
                "the key `{thumbprint}` is not for signing requests"
            ));
        }
        if let Some(holder) = self.catalog.holder(&key) {
            return Err(format!(
                "the key `{thumbprint}` is enrolled for service `{}`",
                holder.name
            ));
        }
        if let Some(approver) = self.catalog.approver_with(&thumbprint) {
            return Err(format!(
                "the key `{thumbprint}` is a key of approver `{}`",
                approver.name
            ));
        }
        Ok(key)
    }

    pub(super) fn retire_key(&mut self, name: &Name, key: &Thumbprint) -> Result<(), String> {
        let service = self.service(name)?;
        let held = service
            .keys
            .iter()
            .position(|held| held.thumbprint() == *key);
        let at = held.ok_or_else(|| format!("service `{name}` has no key `{key}`"))?;
        let retired = service.keys.remove(at);
        service.retired_keys.push(retired);
        Ok(())
    }

    pub(super) fn service(&mut self, name: &Name) -> Result<&mut Enrolled, String> {
        self.services_changed = true;
        self.catalog
            .enrolled
            .get_mut(name)
            .ok_or_else(|| format!("there is no service `{name}`"))
    }

    /// A key tells who decided, and nobody approves what they asked for: so it is nobody else's.
    pub(super) fn set_approver(&mut self, approver: Approver) -> Result<(), String> {
        let name = approver.name.clone();
        let known = self.catalog.approvers.get(&name);
        let next = known.map_or(0, |known| known.version).checked_add(1);
        if next != Some(approver.version) {
            let version = approver.version;
            return Err(format!(
                "version {version} of approver `{name}` is not the next one"
            ));
        }
        if known.is_some_and(|known| known.retired) {
            return Err(format!("approver `{name}` is retired"));
        }
        for key in &approver.keys {
            if let Some(holder) = self.catalog.holder_of_approver_key(key, &name) {
                let key = key.fingerprint();
                return Err(format!("the key `{key}` is a key of {holder}"));
            }
        }
        self.catalog.approvers.insert(name, approver);
        Ok(())
    }

    pub(super) fn retire_approver(&mut self, name: &Name) -> Result<(), String> {
        let approver = self.catalog.approvers.get_mut(name);
        let approver = approver.ok_or_else(|| format!("there is no approver `{name}`"))?;
        approver.retired = true;
        Ok(())
    }
}

/// The keys of an approver, each once.
pub(super) fn approver_keys(lines: &[String]) -> Result<Vec<ApproverKey>, String> {
    let mut keys: Vec<ApproverKey> = Vec::new();
    for line in lines {
        let key = ApproverKey::parse(line).map_err(|error| error.to_string())?;
        if keys.contains(&key) {
            return Err(format!("the key `{}` is there twice", key.fingerprint()));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err("an approver has no key".to_owned());
    }
    Ok(keys)
}

impl Catalog {
    /// Whose key this is already: a service's, or another approver's than this one's.
    pub(in crate::vault) fn holder_of_approver_key(
        &self,
        key: &ApproverKey,
        of: &Name,
    ) -> Option<String> {
        let service = key.as_plain().and_then(|key| self.holder(&key));
        if let Some(service) = service {
            return Some(format!("service `{}`", service.name));
        }
        let mut others = self.approvers.values().filter(|other| other.name != *of);
        let other = others.find(|other| other.keys.contains(key))?;
        Some(format!("approver `{}`", other.name))
    }

    /// The approver that has the key with this thumbprint.
    pub(in crate::vault) fn approver_with(&self, thumbprint: &Thumbprint) -> Option<&Approver> {
        self.approvers.values().find(|approver| {
            let mut thumbprints = approver.keys.iter().filter_map(ApproverKey::thumbprint);
            thumbprints.any(|held| held == *thumbprint)
        })
    }

    /// The service that a key is enrolled for.
    pub(in crate::vault) fn holder(&self, key: &PublicKey) -> Option<&Enrolled> {
        let thumbprint = key.thumbprint();
        self.enrolled.values().find(|service| {
            let keys = service.keys.iter().chain(&service.retired_keys);
            keys.into_iter().any(|held| held.thumbprint() == thumbprint)
        })
    }
}
