//! Requests with an access token: fetched for the first one, and used again while it is good.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::{Exchange, lifetime, rotated, section, target};
use crate::{
    binding::{Attach, Oauth2},
    errand::{Begun, Opened, Step},
    operation::{
        OperationError, http,
        token::grant::{self, Granted},
    },
    outgoing::Draft,
    vault::{
        material::oauth2::Client,
        tokens::{Place, Source, Tokens},
    },
};

/// A token that is kept for requests is not used in the last seconds before it expires.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// For so long a token is kept at most.
const LONGEST_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Gets an access token, unless one is kept that is still good, and then sends the draft with it.
pub(crate) fn begin(draft: Draft, attach: Attach) -> Step {
    Step::Wait(Box::new(move |opened| begin_request(draft, attach, opened)))
}

/// What a request needs to be sent once there is a token.
struct Request {
    draft: Draft,
    attach: Attach,
    tokens: Arc<Tokens>,
}

fn begin_request(
    draft: Draft,
    attach: Attach,
    opened: Opened<'_>,
) -> Result<Begun, OperationError> {
    let Opened {
        secret,
        material,
        setting,
        tokens,
    } = opened;
    let request = Request {
        draft: Draft {
            version: setting.version,
            ..draft
        },
        attach,
        tokens: Arc::clone(tokens),
    };
    let binding = section(setting.binding())?.clone();
    let record = setting.binding.map_or(0, |bound| bound.record);
    let source = Source {
        secret,
        binding: record,
        material,
    };
    let place = tokens.place(source);
    let kept = place.and_then(|place| tokens.find(place, setting.now));
    if let Some(kept) = kept {
        let token = std::str::from_utf8(&kept);
        let token = token.map_err(|_| OperationError::Machine("read a kept token"))?;
        return request
            .send(token, place)
            .map(Begun::Over)
            .ok_or(OperationError::Machine("attach the token"));
    }
    let exchange = Exchange {
        scopes: binding.scopes.clone(),
        target: target(None, &binding)?,
    };
    let client = Client::of(material).ok_or(OperationError::Machine("read the client"))?;
    let call = exchange.call(&binding, &client, setting)?;
    let (secret, now) = (secret.clone(), setting.now);
    Ok(Begun::Call(
        call,
        Box::new(move |reply| {
            let granted = Granted::of(&reply)?;
            let rotated = rotated(&binding, client, &granted, &reply)?;
            let place = match &rotated {
                None => place,
                // The next request is made with the new version.
                Some(material) => request.tokens.place(Source {
                    secret: &secret,
                    binding: record,
                    material,
                }),
            };
            if let (Some(place), Some(until)) = (place, good_until(&binding, &granted, now)) {
                let token = Zeroizing::new(granted.access_token().as_bytes().to_vec());
                request.tokens.keep(place, token, until, now);
            }
            let send = move || {
                let detail = "the access token can't be attached to a request";
                let sent = request.send(granted.access_token(), place);
                sent.ok_or_else(|| grant::bad_answer(&reply, detail.to_owned()))
            };
            match rotated {
                Some(material) => Ok(Step::Keep(material, Box::new(send))),
                None => send(),
            }
        }),
    ))
}

/// Until when a token may be used again; a short-lived one is not used in its second half.
fn good_until(binding: &Oauth2, granted: &Granted, now: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(lifetime(binding, granted)?).ok()?;
    let lifetime = SignedDuration::from_secs(seconds).min(LONGEST_KEPT);
    now.checked_add(lifetime - MARGIN.min(lifetime / 2)).ok()
}

impl Request {
    fn send(self, token: &str, place: Option<Place>) -> Option<Step> {
        let credential = self.attach.credential(token).ok()?;
        let tokens = self.tokens;
        Some(match http::send(self.draft, credential) {
            Step::Call(call, then) => Step::Call(
                call,
                Box::new(move |reply| {
                    // It was revoked before its time: the next request fetches another.
                    if let (401, Some(place)) = (reply.status, place) {
                        tokens.forget(place);
                    }
                    then(reply)
                }),
            ),
            other => other,
        })
    }
}
