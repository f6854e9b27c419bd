//! Google Cloud service account tokens (RFC 7523).
