//! A vault that is only looked at: read from the store itself, so that no passphrase and no agent
//! are needed, and nothing is changed. What the owner did not sign is refused as always.

use std::sync::Arc;

use anyhow::Context as _;
use strongroom::{
    store::{Reader as _, sqlite::SqliteReader},
    vault::{Catalog, Vault, VaultError},
};

use crate::home::Home;

/// Records and entries are read one after the other: while an agent writes, one look may fall
/// between the two.
const LOOKS: u32 = 5;

pub struct Dry {
    pub reader: SqliteReader,
    pub catalog: Arc<Catalog>,
}

impl Dry {
    pub fn open(home: &Home) -> anyhow::Result<Self> {
        home.check()?;
        let reader = SqliteReader::open(&home.store())?;
        let mut looks = 1;
        let vault = loop {
            let untrusted = || {
                format!(
                    "the vault in `{}` cannot be trusted",
                    home.directory().display()
                )
            };
            let vault = Vault::open(&reader.records(0)?).with_context(untrusted)?;
            match vault.check_complete(&reader) {
                Err(VaultError::CutOff { .. }) if looks < LOOKS => looks += 1,
                checked => {
                    checked.with_context(untrusted)?;
                    break vault;
                }
            }
        };
        let catalog = vault.catalog();
        Ok(Self { reader, catalog })
    }
}
