//! Calls about a request that waits for an approval.

/// Where a service collects what became of its request.
pub const RESULT_PATH: &str = "/v1/access/result";
/// Where a service gives its request up.
pub const CANCEL_PATH: &str = "/v1/access/cancel";
