//! `http`: sends an HTTPS request with the credential attached, and gives back the answer.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{
    BadInput, Done, Kind, OperationError, Setting, Unsuitable, input::Fields, token::oauth2,
};
use crate::{
    audit::Ending,
    binding::{Binding, Purpose},
    errand::{Report, Step},
    outgoing::{
        Credential, Draft, aws,
        scrub::Scrubber,
        target::{Path, Query},
    },
    vault::material::Material,
};

/// The input of `http`.
#[derive(Debug)]
pub struct HttpInput {
    path: Path,
}

impl HttpInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let path = fields.string("path")?.unwrap_or_default();
        let path = Path::parse(&path).map_err(|bad| BadInput::Form {
            field: "path",
            expected: bad.0,
        })?;
        Ok(Self { path })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        Map::new()
    }

    pub(super) fn fields_for(&self, _binding: Option<&Binding>) -> Map<String, Value> {
        self.fields()
    }

    pub(super) fn suits(&self, _kind: Kind, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        match binding.and_then(|binding| binding.http.as_ref()) {
            Some(_) => Ok(()),
            None => Err(not_bound()),
        }
    }

    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Step, OperationError> {
        let kind = material.kind();
        let http = setting
            .binding()
            .and_then(|binding| binding.http.as_ref())
            .ok_or_else(not_bound)?;
        let draft = Draft {
            method: http::Method::GET,
            path: self.path.under(http.base_url.url.path()),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            route: http.base_url.route(setting.route_key(Purpose::Http), None),
        };
        let attach = match (kind, http.attach(kind)) {
            (Kind::Aws, _) => {
                let credential = aws::credential(&draft, material, setting)?;
                return Ok(send(draft, credential));
            }
            (_, Some(attach)) => attach,
            (_, None) => {
                return Err(Unsuitable::Kind {
                    kind,
                    operation: super::OperationName::Http,
                }
                .into());
            }
        };
        if kind == Kind::Oauth2 {
            return oauth2::begin(draft, attach, material, setting);
        }
        let secret = material
            .secret_bytes()
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or(OperationError::Machine("attach the credential"))?;
        let credential = attach
            .credential(secret)
            .map_err(|_| OperationError::Machine("attach the credential"))?;
        Ok(send(draft, credential))
    }
}

/// Attaches the credential, sends the request, and reports what came back, scrubbed.
pub(crate) fn send(draft: Draft, credential: Credential) -> Step {
    let scrubber = Scrubber::new(&credential.secrets);
    let call = Box::new(draft.attach(credential));
    Step::Call(
        call,
        Box::new(move |reply| {
            let mut reply = reply;
            let _scrubbed = scrubber.scrub(&mut reply);
            Ok(Step::Report(Report {
                done: Done::Plain(json!({"status": reply.status})),
                ending: Ending::Answered,
                status: Some(reply.status),
                expires: None,
                detail: None,
            }))
        }),
    )
}

fn not_bound() -> Unsuitable {
    Unsuitable::NotBound("send requests: set its base URL with `strongroom secret bind`".to_owned())
}
