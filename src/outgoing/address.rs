//! Which addresses may be dialled.
use serde::{Deserialize, Serialize};

/// Networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Networks(Vec<String>);
