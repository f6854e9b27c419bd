//! OAuth 2 access tokens (RFC 6749, sections 4.4 and 6).
