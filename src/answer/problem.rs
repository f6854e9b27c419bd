//! The one error map: everything that a remote can be told when it gets nothing.

use http::StatusCode;

/// What a remote is told when it gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// 400: the bytes are no request.
    Malformed,
    /// 401: not signed by an enrolled service, for this agent, just now.
    NotAuthenticated,
    /// 403: not allowed, or there is no such secret.
    Denied,
    /// 404: no such path.
    NotFound,
    /// 404: no request of this service's has this id.
    UnknownId,
    /// 405: not with this method.
    MethodNotAllowed,
    /// 408: the request did not arrive whole in time.
    TooSlow,
    /// 409: this request was made before.
    Replay,
    /// 410: nobody approved the request in time.
    ApprovalExpired,
    /// 410: the service itself gave the request up.
    Cancelled,
    /// 410: the request was answered, and the answer is not kept.
    Answered,
    /// 413: more bytes than a request may have.
    TooLarge,
    /// 422: not possible with this secret.
    Unsuitable,
    /// 423: the vault is locked.
    Locked,
    /// 423: the owner has suspended the secret, or everything.
    Suspended,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: the agent's own fault.
    Internal,
    /// 502: the provider could not be reached, or answered what can't be used.
    ProviderFailed,
    /// 503: it could not be recorded, so no key was used.
    CannotRecord,
    /// 504: the provider did not answer in time.
    ProviderTooSlow,
}

impl Problem {
    /// All of them, by status.
    pub const ALL: [Self; 20] = [
        Self::Malformed,
        Self::NotAuthenticated,
        Self::Denied,
        Self::NotFound,
        Self::UnknownId,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::Replay,
        Self::ApprovalExpired,
        Self::Cancelled,
        Self::Answered,
        Self::TooLarge,
        Self::Unsuitable,
        Self::Locked,
        Self::Suspended,
        Self::TooManyRequests,
        Self::Internal,
        Self::ProviderFailed,
        Self::CannotRecord,
        Self::ProviderTooSlow,
    ];

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotAuthenticated => StatusCode::UNAUTHORIZED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownId => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Replay => StatusCode::CONFLICT,
            Self::ApprovalExpired | Self::Cancelled | Self::Answered => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsuitable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Locked | Self::Suspended => StatusCode::LOCKED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::CannotRecord => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProviderTooSlow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The stable `type` of RFC 9457.
    pub fn type_uri(self) -> &'static str {
        match self {
            Self::Malformed => "urn:strongroom:problem:malformed",
            Self::NotAuthenticated => "urn:strongroom:problem:not-authenticated",
            Self::Denied => "urn:strongroom:problem:denied",
            Self::NotFound => "urn:strongroom:problem:not-found",
            Self::UnknownId => "urn:strongroom:problem:unknown-id",
            Self::MethodNotAllowed => "urn:strongroom:problem:method-not-allowed",
            Self::TooSlow => "urn:strongroom:problem:too-slow",
            Self::Replay => "urn:strongroom:problem:replay",
            Self::ApprovalExpired => "urn:strongroom:problem:approval-expired",
            Self::Cancelled => "urn:strongroom:problem:cancelled",
            Self::Answered => "urn:strongroom:problem:answered",
            Self::TooLarge => "urn:strongroom:problem:too-large",
            Self::Unsuitable => "urn:strongroom:problem:unsuitable",
            Self::Locked => "urn:strongroom:problem:locked",
            Self::Suspended => "urn:strongroom:problem:suspended",
            Self::TooManyRequests => "urn:strongroom:problem:too-many-requests",
            Self::Internal => "urn:strongroom:problem:internal",
            Self::ProviderFailed => "urn:strongroom:problem:provider-failed",
            Self::CannotRecord => "urn:strongroom:problem:cannot-record",
            Self::ProviderTooSlow => "urn:strongroom:problem:provider-too-slow",
        }
    }

    /// The `title`: a sentence for a person at the other end.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "this is not a well-formed request",
            Self::NotAuthenticated => {
                "no enrolled service signed this request, for this agent, just now"
            }
            Self::Denied => "not allowed",
            Self::NotFound => "there is nothing at this path",
            Self::UnknownId => "no request of this service's has this id",
            Self::MethodNotAllowed => "this path has another method",
            Self::TooSlow => "the request took too long",
            Self::Replay => "this request was made before; sign a new one",
            Self::ApprovalExpired => "nobody approved the request in time; make a new one",
            Self::Cancelled => "the service that made this request gave it up",
            Self::Answered => "this request was answered; make a new one",
            Self::TooLarge => "the request is too large",
            Self::Unsuitable => "the operation is not possible with this secret",
            Self::Locked => "the vault is locked; its owner has been told",
            Self::Suspended => "suspended by its owner; nothing is used until the owner resumes it",
            Self::TooManyRequests => "too many requests; try again later",
            Self::Internal => "the agent failed; its owner can see why",
            Self::ProviderFailed => "the provider did not give a usable answer",
            Self::ProviderTooSlow => "the provider did not answer in time",
            Self::CannotRecord => {
                "the request could not be recorded, so nothing was used; try again later"
            }
        }
    }
}
