//! GitHub App installation tokens.
