//! Which addresses may be dialled.
use serde::{Deserialize, Serialize};

/// Networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Networks(Vec<String>);

impl Networks {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With these networks only.
    pub fn only(self) -> Self {
        self
    }
}

/// Temporary.
pub fn choose(
    addresses: &[std::net::IpAddr],
    _: &Networks,
) -> Result<Vec<std::net::IpAddr>, String> {
    Ok(addresses.to_vec())
}
