//! The section `sign`: which algorithms, and so which hashes, a signing key may be used with.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::{Kind, SignAlgorithm};

/// `{"algorithms": ["PS256", "PS384"]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// At least one, by their JOSE names; each must be one of the kind's.
    pub algorithms: Vec<SignAlgorithm>,
}

impl Sign {
    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        if self.algorithms.is_empty() {
            return Err(BadBinding::Value {
                section: "sign",
                field: "algorithms",
                problem: "name at least one algorithm, or leave the section out".to_owned(),
            });
        }
        let possible = SignAlgorithm::of(kind);
        match self.algorithms.iter().find(|one| !possible.contains(one)) {
            Some(algorithm) => Err(BadBinding::Algorithm {
                kind,
                algorithm: *algorithm,
            }),
            None => Ok(()),
        }
    }

    /// Whether the owner allows this algorithm.
    pub fn allows(&self, algorithm: SignAlgorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}
