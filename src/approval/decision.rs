//! What was said to a request that waits, or how it ended otherwise, on its way to the audit log.

use jiff::Timestamp;

use super::{
    ApproverKey, Asked, BadSshSignature, BadStatement, NAMESPACE, NotSigned, Settled, SshSignature,
    Statement, Verdict, Voice,
};
use crate::{
    audit::{By, Decided, Event},
    name::Name,
    request::Called,
    service::Thumbprint,
    vault::Catalog,
};

/// Somebody's yes or no, who may say it. The audit log's commit takes it, if the request still
/// waits then.
#[derive(Debug)]
pub struct Decision {
    pub(crate) id: u64,
    pub(crate) approver: Option<Name>,
    pub(crate) verdict: Verdict,
    pub(crate) minutes: Option<u32>,
    pub(crate) event: Event,
}

/// The end of a request that nobody decided on.
#[derive(Debug)]
pub struct Settlement {
    pub(crate) id: u64,
    pub(crate) how: Settled,
    pub(crate) event: Event,
}

/// Why a yes or no does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDecided {
    /// What was signed is no statement.
    #[error(transparent)]
    Statement(#[from] BadStatement),
    /// What came with it is no signature.
    #[error(transparent)]
    Signature(#[from] BadSshSignature),
    /// It is about a request of another agent's.
    #[error("the statement is meant for the agent `{0}`, which is another one")]
    ForeignAgent(Thumbprint),
    /// There never was such a request.
    #[error("there is no request `{0}`; `strongroom pending` shows those that wait")]
    UnknownId(u64),
    /// What was shown to the signer is not what was asked for.
    #[error(
        "the statement is not about request `{0}` as the audit log has it; print it again with `strongroom pending {0} --statement`"
    )]
    Altered(u64),
    /// It has ended.
    #[error("request `{id}` has ended: it was {how}")]
    Over {
        /// Which.
        id: u64,
        /// How.
        how: Settled,
    },
    /// Its time is over.
    #[error("the time of request `{0}` is over")]
    Expired(u64),
    /// The signature was made for something else.
    #[error("the signature is in the namespace `{0}`; sign with `-n {NAMESPACE}`")]
    ForeignNamespace(String),
    /// A service does not approve.
    #[error("the key `{key}` is a key of service `{service}`, and no approver's")]
    KeyOfService {
        /// Its fingerprint.
        key: String,
        /// Whose it is.
        service: Name,
    },
    /// Nobody's key.
    #[error("no approver has the key `{0}`; `strongroom approver list` shows them")]
    UnknownKey(String),
    /// Who signed has no say any more.
    #[error("approver `{0}` is retired")]
    Retired(Name),
    /// Who signed is asked for by no policy that permits this.
    #[error("approver `{approver}` is in none of the groups that are asked: {groups}")]
    NotAsked {
        /// Who.
        approver: Name,
        /// Whom policy asks for.
        groups: String,
    },
    /// Nobody approves what they asked for themselves.
    #[error("approver `{approver}` operates service `{service}`, which asked for this")]
    Operates {
        /// Who.
        approver: Name,
        /// Which.
        service: Name,
    },
    /// The signature does not hold.
    #[error("{0}")]
    NotSigned(NotSigned),
    /// Once is enough.
    #[error("{by} has said this to request `{id}` already")]
    Already {
        /// Which.
        id: u64,
        /// Who.
        by: Voice,
    },
    /// Another service's call.
    #[error("request `{id}` is not one of service `{service}`")]
    OtherService {
        /// Which.
        id: u64,
        /// Whose call.
        service: Name,
    },
    /// Nothing has ended it yet.
    #[error("the time of request `{0}` is not over yet")]
    NotYet(u64),
}

impl Decision {
    /// The owner's, who proved that just now.
    pub fn by_owner(
        asked: &Asked,
        verdict: Verdict,
        minutes: Option<u32>,
        detail: Option<String>,
        now: Timestamp,
    ) -> Result<Self, NotDecided> {
        super::statement::check_minutes(verdict, minutes)?;
        check_open(asked, verdict, now)?;
        Ok(Self {
            id: asked.id,
            approver: None,
            verdict,
            minutes,
            event: event(
                asked,
                verdict.into(),
                By::Owner,
                More {
                    minutes,
                    detail,
                    ..More::default()
                },
            ),
        })
    }

    /// An approver's: `statement` is the line that was signed, `signature` an armored SSHSIG over
    /// it. `asked` is the request that the statement names, `agent` the thumbprint of this agent.
    /// The cheap checks come first, and the signature is verified last.
    pub fn by_approver(
        statement: &Statement,
        signature: &str,
        asked: Option<&Asked>,
        catalog: &Catalog,
        agent: &Thumbprint,
        now: Timestamp,
    ) -> Result<Self, NotDecided> {
        if statement.agent() != agent {
            return Err(NotDecided::ForeignAgent(statement.agent().clone()));
        }
        let id = statement.id();
        let asked = asked.ok_or(NotDecided::UnknownId(id))?;
        if (id, statement.entry()) != (asked.id, asked.line.as_str()) {
            return Err(NotDecided::Altered(id));
        }
        check_open(asked, statement.decision(), now)?;
        let signature = SshSignature::parse(signature)?;
        let (approver, key) = signer(&signature, catalog)?;
        let service = &asked.ask.service;
        if approver.operates.contains(service) {
            return Err(NotDecided::Operates {
                approver: approver.name.clone(),
                service: service.clone(),
            });
        }
        if !asked
            .needs
            .iter()
            .any(|need| approver.groups.contains(&need.group))
        {
            let groups: Vec<_> = asked.needs.iter().map(|need| need.group.as_str()).collect();
            return Err(NotDecided::NotAsked {
                approver: approver.name.clone(),
                groups: groups.join(", "),
            });
        }
        signature
            .verify(key, NAMESPACE, statement.to_line().as_bytes())
            .map_err(|why| match why {
                NotSigned::Namespace(other) => NotDecided::ForeignNamespace(other),
                other => NotDecided::NotSigned(other),
            })?;
        Ok(Self {
            id,
            approver: Some(approver.name.clone()),
            verdict: statement.decision(),
            minutes: statement.minutes(),
            event: event(
                asked,
                statement.decision().into(),
                By::Approver,
                More {
                    approver: Some(approver.name.clone()),
                    minutes: statement.minutes(),
                    key: Some(signature.fingerprint()),
                    signature: Some(signature.to_text()),
                    detail: None,
                },
            ),
        })
    }

    /// The request that it is about.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Yes or no.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Who decided.
    pub fn by(&self) -> Voice {
        self.approver.clone().map_or(Voice::Owner, Voice::Approver)
    }
}

impl Settlement {
    /// The service gives its request up.
    pub fn cancelled(asked: &Asked, called: &Called) -> Result<Self, NotDecided> {
        let id = asked.id;
        if (called.id(), called.service()) != (id, &asked.ask.service) {
            return Err(NotDecided::OtherService {
                id,
                service: called.service().clone(),
            });
        }
        Self::of(asked, Settled::Cancelled, Decided::Cancelled, By::Service)
    }

    /// The time of the request is over.
    pub fn expired(asked: &Asked, now: Timestamp) -> Result<Self, NotDecided> {
        if now < asked.expires {
            return Err(NotDecided::NotYet(asked.id));
        }
        Self::of(asked, Settled::Expired, Decided::Expired, By::Agent)
    }

    fn of(asked: &Asked, how: Settled, decided: Decided, by: By) -> Result<Self, NotDecided> {
        let id = asked.id;
        if let Some((how, _)) = asked.settled {
            return Err(NotDecided::Over { id, how });
        }
        Ok(Self {
            id,
            how,
            event: event(asked, decided, by, More::default()),
        })
    }

    /// The request that it is about.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// Whose signature it claims to be.
pub(super) fn signer<'a>(
    signature: &SshSignature,
    catalog: &'a Catalog,
) -> Result<(&'a super::Approver, &'a ApproverKey), NotDecided> {
    let found = catalog.approvers().find_map(|approver| {
        let mut keys = approver.keys.iter();
        let key = keys.find(|key| key.blob() == signature.key())?;
        Some((approver, key))
    });
    let key = signature.fingerprint();
    if let Some(service) = service_with(catalog, signature.key()) {
        return Err(NotDecided::KeyOfService { key, service });
    }
    match found {
        None => Err(NotDecided::UnknownKey(key)),
        Some((approver, _)) if approver.retired => Err(NotDecided::Retired(approver.name.clone())),
        Some(found) => Ok(found),
    }
}

/// The service that has, or had, the key with this SSH encoding.
fn service_with(catalog: &Catalog, blob: &[u8]) -> Option<Name> {
    let mut enrolled = catalog.enrolled();
    let service = enrolled.find(|service| {
        let mut keys = service.keys.iter().chain(&service.retired_keys);
        keys.any(|key| key.ssh_blob() == blob)
    })?;
    Some(service.name.clone())
}

/// Whether this can still be said: a no also ends a yes that stands after its request was answered.
fn check_open(asked: &Asked, verdict: Verdict, now: Timestamp) -> Result<(), NotDecided> {
    let id = asked.id;
    match asked.settled {
        Some((Settled::Used, _)) if verdict == Verdict::Deny => Ok(()),
        Some((how, _)) => Err(NotDecided::Over { id, how }),
        None if asked.expires <= now => Err(NotDecided::Expired(id)),
        None => Ok(()),
    }
}

/// What only some decisions say.
#[derive(Default)]
struct More {
    approver: Option<Name>,
    minutes: Option<u32>,
    key: Option<String>,
    signature: Option<String>,
    detail: Option<String>,
}

fn event(asked: &Asked, decided: Decided, by: By, more: More) -> Event {
    Event::Decision {
        entry: asked.id,
        service: asked.ask.service.clone(),
        secret: asked.secret.clone(),
        operation: asked.ask.operation,
        decided,
        by,
        approver: more.approver,
        minutes: more.minutes,
        key: more.key,
        signature: more.signature,
        detail: more.detail,
    }
}

impl From<Verdict> for Decided {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Approved,
            Verdict::Deny => Self::Denied,
        }
    }
}
