//! The commands that change the vault: each adds signed records to it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use strongroom::{
    approval::ApproverKey,
    binding::Binding,
    operation::Kind,
    policy::PolicyText,
    service::key::PublicKey,
    vault::{
        ApproverChanges, ApproverOptions, Scope, SecretOptions, VaultError, material::Material,
    },
};

use super::{Command, Stop, blocking, change};
use crate::{hidden::Hidden, host::Host};

/// The commands that add signed records to the vault.
pub(super) async fn alter(host: &Arc<Host>, command: Command) -> Result<Value, Stop> {
    let now = Timestamp::now();
    let mut advice = None;
    let changed = match command {
        Command::AddSecret {
            name,
            kind,
            value,
            labels,
            releasable,
            binding,
        } => {
            let material = material(kind, value.as_ref()).await?;
            advice = material.advice();
            // Read first: a secret whose binding has a mistake is not added at all.
            let binding = binding
                .map(|json| Binding::parse(material.kind(), &json))
                .transpose()
                .map_err(Stop::failed)?;
            let options = SecretOptions {
                labels: labels.into_iter().collect(),
                releasable,
            };
            let added = change(host, |vault| {
                vault.add_secret(&name, &material, &options, now)
            })
            .await?;
            if let Some(binding) = binding {
                change(host, |vault| vault.bind_secret(&name, &binding, now))
                    .await
                    .map_err(|stop| stop.after(&format!("`{name}` was added, but not bound")))?;
            }
            added
        }
        Command::BindSecret {
            name,
            binding,
            after,
        } => {
            let catalog = host.vault().catalog();
            let secret = catalog
                .resolve(&name)
                .ok_or_else(|| Stop::failed(VaultError::NoSecret(name.clone())))?;
            let newest = secret.bound.as_ref().map_or(0, |bound| bound.number);
            if newest != after {
                return Err(Stop::failed(format!(
                    "the binding of `{name}` was changed meanwhile; look at it with `strongroom secret show {name}` and try again"
                )));
            }
            let binding = Binding::parse(secret.kind, &binding).map_err(Stop::failed)?;
            change(host, |vault| vault.bind_secret(&name, &binding, now)).await?
        }
        Command::RotateSecret { name, value } => {
            let kind = host
                .vault()
                .catalog()
                // Given an alias, the vault itself says which secret to rotate.
                .resolve(&name)
                .map(|secret| secret.kind)
                .ok_or_else(|| {
                    Stop::failed(format!(
                        "there is no secret `{name}`; `strongroom secret list` shows them"
                    ))
                })?;
            let material = material(Some(kind), value.as_ref()).await?;
            advice = material.advice();
            change(host, |vault| vault.rotate_secret(&name, &material, now)).await?
        }
        Command::RetireSecret { name, version } => {
            change(host, |vault| vault.retire(&name, version, now)).await?
        }
        Command::SetAlias { name, secret } => {
            change(host, |vault| vault.set_alias(&name, &secret, now)).await?
        }
        Command::AddService { name, keys } => {
            let keys = keys
                .iter()
                .map(|key| PublicKey::parse(key))
                .collect::<Result<Vec<_>, _>>()
                .map_err(Stop::failed)?;
            change(host, |vault| vault.add_service(&name, &keys, now)).await?
        }
        Command::AddServiceKey { name, key } => {
            let key = PublicKey::parse(&key).map_err(Stop::failed)?;
            change(host, |vault| vault.add_service_key(&name, &key, now)).await?
        }
        Command::RetireServiceKey { name, key } => {
            change(host, |vault| vault.retire_service_key(&name, &key, now)).await?
        }
        Command::ResumeService { name } => {
            change(host, |vault| vault.resume(&Scope::Service(name), now)).await?
        }
        Command::ResumeSecret { name } => {
            change(host, |vault| vault.resume(&Scope::Secret(name), now)).await?
        }
        Command::Resume => change(host, |vault| vault.resume(&Scope::Everything, now)).await?,
        Command::AddApprover {
            name,
            keys,
            groups,
            operates,
            mail,
        } => {
            let options = ApproverOptions {
                keys: approver_keys(&keys)?,
                groups: groups.into_iter().collect(),
                operates: operates.into_iter().collect(),
                mail,
            };
            change(host, |vault| vault.add_approver(&name, &options, now)).await?
        }
        Command::ChangeApprover {
            name,
            keys,
            groups,
            operates,
            mail,
        } => {
            let changes = ApproverChanges {
                keys: keys.as_deref().map(approver_keys).transpose()?,
                groups: groups.map(|groups| groups.into_iter().collect()),
                operates: operates.map(|operates| operates.into_iter().collect()),
                mail: mail.map(|mail| Some(mail).filter(|mail| !mail.is_empty())),
            };
            change(host, |vault| vault.change_approver(&name, &changes, now)).await?
        }
        Command::RetireApprover { name } => {
            change(host, |vault| vault.retire_approver(&name, now)).await?
        }
        Command::SetPolicy { name, text } => {
            let policy = PolicyText::check(name, &text).map_err(Stop::failed)?;
            change(host, |vault| vault.set_policy(&policy, now)).await?
        }
        Command::RetirePolicy { name } => {
            change(host, |vault| vault.retire_policy(&name, now)).await?
        }
        Command::ChangePassphrase { new } => {
            let new = new.passphrase();
            blocking(host, move |host| {
                tokio::runtime::Handle::current()
                    .block_on(change(host, |vault| vault.change_passphrase(&new, now)))
            })
            .await?
        }
        _ => return Err(Stop::failed("this is not a change")),
    };
    Ok(json!({ "entry": changed.entry(), "version": changed.version(), "advice": advice }))
}

fn approver_keys(lines: &[String]) -> Result<Vec<ApproverKey>, Stop> {
    let keys = lines.iter().map(|line| ApproverKey::parse(line));
    keys.collect::<Result<_, _>>().map_err(Stop::failed)
}

/// Imports a value, or makes a fresh one; an RSA key takes seconds, so not on an async thread.
async fn material(kind: Option<Kind>, value: Option<&Hidden>) -> Result<Material, Stop> {
    let bytes = value.map(Hidden::bytes).transpose().map_err(Stop::failed)?;
    tokio::task::spawn_blocking(move || match (bytes, kind) {
        (Some(bytes), kind) => Material::import(kind, &bytes).map_err(Stop::failed),
        (None, Some(kind)) => Material::generate(kind).map_err(Stop::failed),
        (None, None) => Err(Stop::failed(
            "neither a value nor a kind to generate was given",
        )),
    })
    .await
    .map_err(Stop::failed)?
}
