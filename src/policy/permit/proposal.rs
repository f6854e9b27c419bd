//! What policy permits once it is approved, and the approval that makes a permit of it.

use jiff::Timestamp;

use super::{Grounds, Permit, Quorum, Refused};
use crate::{
    approval::Same,
    audit::{Ask, Reason},
    name::Name,
    notification::Urgency,
    policy::Approval,
    service::Authenticated,
};

/// A request that policy permits once those have said yes whom it asks for, and that the secret
/// can do. [`Authenticated::authorize`] makes one.
///
/// It becomes a permit with the [`Quorum`] of what they said, or waits for it:
/// [`Asking`](crate::approval::Asking).
#[derive(Debug)]
pub struct Proposal {
    grounds: Grounds,
    needs: Vec<Approval>,
    same: Same,
}

/// What a permit was approved by.
#[derive(Debug)]
pub struct Approved {
    /// The entries of the decisions.
    pub(crate) decisions: Vec<u64>,
    /// The other requests whose standing approval is relied on.
    pub(crate) relies_on: Vec<u64>,
    /// When the first of those ends.
    pub(crate) until: Option<Timestamp>,
}

impl Proposal {
    pub(super) fn new(grounds: Grounds) -> Self {
        let mut needs: Vec<Approval> = Vec::new();
        for (_, approval) in grounds.obligations.approvals() {
            // Of two statements that ask for the same, one is enough; all of them hold.
            if !needs.contains(approval) {
                needs.push(approval.clone());
            }
        }
        let same = Same::of(&grounds.ask(), &grounds.version.secret);
        Self {
            grounds,
            needs,
            same,
        }
    }

    /// Who asked, and for what.
    pub fn authenticated(&self) -> &Authenticated {
        &self.grounds.authenticated
    }

    /// The request as the audit log keeps it, with the operation's fields as policy saw them.
    pub fn ask(&self) -> Ask {
        self.grounds.ask()
    }

    /// The secret that the name asked for stands for.
    pub fn secret(&self) -> &Name {
        &self.grounds.version.secret
    }

    /// The version that is current.
    pub fn version(&self) -> u32 {
        self.grounds.version.number
    }

    /// The statements that permit it, by their ids: at least one.
    pub fn policies(&self) -> &[String] {
        &self.grounds.policies
    }

    /// Who has to say yes: all of these, at least one.
    pub fn needs(&self) -> &[Approval] {
        &self.needs
    }

    /// What makes another request the same operation.
    pub fn same(&self) -> &Same {
        &self.same
    }

    /// How soon a person should look, if a policy says it.
    pub fn urgency(&self) -> Option<Urgency> {
        self.grounds.obligations.urgency()
    }

    /// With the yes of everybody whom policy asks for: the other way to a permit. A quorum for
    /// another request makes none.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal carries the request on, as a permit does"
    )]
    pub fn approved_by(self, quorum: Quorum) -> Result<Permit, Refused> {
        let request = *self.authenticated().request().digest();
        match quorum.spend(&request) {
            Some(approved) => Ok(Permit {
                grounds: self.grounds,
                approved: Some(approved),
            }),
            None => Err(self.refuse(
                Reason::NeedsApproval,
                "what was approved is another request",
            )),
        }
    }

    /// Gives it up: the vault is locked, the caller asks too often, …
    pub fn refuse(self, reason: Reason, detail: impl Into<String>) -> Refused {
        self.grounds.refuse(reason, detail)
    }

    /// Gives it up for so many seconds.
    pub(crate) fn refuse_for_now(
        self,
        reason: Reason,
        detail: impl Into<String>,
        retry_after: Option<u32>,
    ) -> Refused {
        Refused {
            retry_after,
            ..self.refuse(reason, detail)
        }
    }
}

impl Approved {
    /// The indexes of the decisions in the audit log.
    pub fn decisions(&self) -> &[u64] {
        &self.decisions
    }
}
