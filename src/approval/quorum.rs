//! Whether everybody has said yes whom policy asks for.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Asked, NAMESPACE, Said, SshSignature, Statement, Verdict, Voice, decision::signer};
use crate::{
    name::Name,
    policy::{Approval, Approved, Proposal},
    service::Thumbprint,
    vault::Catalog,
};

/// Proof that as many have said yes to this request as policy asks for, who may say it now.
///
/// There is one constructor, [`Quorum::of`]; [`Proposal::approved_by`] spends it.
#[derive(Debug)]
pub struct Quorum {
    /// The digest of the request that it is for.
    request: [u8; 32],
    approved: Approved,
}

/// Why there is no quorum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Not enough have said yes yet.
    #[error("{}", list(.0))]
    Yes(Vec<Lacking>),
    /// Somebody said no.
    #[error("it was denied")]
    Denied,
    /// An alias, a binding or a record was changed since: what would be done now is not what was
    /// shown to the approvers.
    #[error(
        "what the request stands for was changed after it was asked: it is not what the approvers saw"
    )]
    Changed,
}

/// One thing that policy asks for, and is not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// What policy asks for.
    pub need: Approval,
    /// Who has said yes so far, and counts.
    pub yes: Vec<Voice>,
}

/// A yes that counts.
struct Yes<'a> {
    voice: &'a Voice,
    entry: u64,
    /// The other request whose standing yes it is, and how long it stands.
    standing: Option<(u64, Timestamp)>,
}

impl Quorum {
    /// Counts what was said: to the request itself, if it waits and is among `asked`, and to other
    /// requests for the same operation, as long as that stands. All signatures are verified
    /// against the approvers of `catalog`; `agent` is the thumbprint of this agent.
    pub fn of(
        proposal: &Proposal,
        asked: &[Asked],
        catalog: &Catalog,
        agent: &Thumbprint,
        now: Timestamp,
    ) -> Result<Self, Missing> {
        let request = *proposal.authenticated().request().digest();
        let waited = proposal.authenticated().waited();
        let mut yes = Vec::new();
        let stopped = |one: &Asked| catalog.last_stopped(&one.ask.service, &one.secret);
        for one in asked {
            let is_own = waited == Some(one.id);
            if one.same != *proposal.same() {
                if is_own {
                    return Err(Missing::Changed);
                }
                continue;
            }
            if one.is_denied() {
                if is_own {
                    return Err(Missing::Denied);
                }
                continue;
            }
            for said in &one.said {
                let standing = match (is_own, said.stands_until()) {
                    (true, _) => None,
                    (false, Some(until)) if now < until && stopped(one) < Some(said.time) => {
                        Some((one.id, until))
                    }
                    (false, _) => continue,
                };
                if counts(one, said, catalog, agent) {
                    yes.push(Yes {
                        voice: &said.by,
                        entry: said.entry,
                        standing,
                    });
                }
            }
        }
        // What was said to this very request comes first, then what stands the longest.
        yes.sort_by_key(|yes| {
            std::cmp::Reverse(yes.standing.map_or(Timestamp::MAX, |(_, until)| until))
        });
        let (mut lacking, mut chosen) = (Vec::new(), Vec::new());
        for need in proposal.needs() {
            let voices = voices(need, &yes, catalog);
            match enough(need, voices.len()) {
                true => chosen.extend(voices.into_iter().take(need.approvers as usize)),
                false => lacking.push(Lacking {
                    need: need.clone(),
                    yes: voices.into_iter().map(|yes| yes.voice.clone()).collect(),
                }),
            }
        }
        // A proposal needs somebody: without this an empty list would be a quorum.
        if !lacking.is_empty() || chosen.is_empty() {
            return Err(Missing::Yes(lacking));
        }
        let decisions: BTreeSet<u64> = chosen.iter().map(|yes| yes.entry).collect();
        let standing = || chosen.iter().filter_map(|yes| yes.standing);
        let relies_on: BTreeSet<u64> = standing().map(|(id, _)| id).collect();
        Ok(Self {
            request,
            approved: Approved {
                decisions: decisions.into_iter().collect(),
                relies_on: relies_on.into_iter().collect(),
                until: standing().map(|(_, until)| until).min(),
            },
        })
    }

    /// What it makes of a proposal for the request with this digest; `None` if it is for another.
    pub(crate) fn spend(self, request: &[u8; 32]) -> Option<Approved> {
        (self.request == *request).then_some(self.approved)
    }
}

impl Asked {
    /// Who has said yes so far to what this request needed when it was asked, and counts now: for
    /// a list. What is needed now is seen when it is collected.
    pub fn so_far(&self, catalog: &Catalog, agent: &Thumbprint) -> Vec<Lacking> {
        let said = self.said.iter();
        let yes: Vec<_> = said
            .filter(|said| counts(self, said, catalog, agent))
            .map(|said| Yes {
                voice: &said.by,
                entry: said.entry,
                standing: None,
            })
            .collect();
        let lacking = |need: &Approval| Lacking {
            need: need.clone(),
            yes: voices(need, &yes, catalog)
                .into_iter()
                .map(|yes| yes.voice.clone())
                .collect(),
        };
        self.needs.iter().map(lacking).collect()
    }
}

impl Lacking {
    /// Whether nobody is needed any more.
    pub fn is_fulfilled(&self) -> bool {
        enough(&self.need, self.yes.len())
    }
}

fn enough(need: &Approval, voices: usize) -> bool {
    voices >= need.approvers as usize
}

/// Each voice that counts for a need, once.
fn voices<'a, 'b>(need: &Approval, yes: &'a [Yes<'b>], catalog: &Catalog) -> Vec<&'a Yes<'b>> {
    let mut seen = BTreeSet::new();
    let is_of = |name: &Name| {
        let approver = catalog.approver(name);
        approver.is_some_and(|approver| approver.groups.contains(&need.group))
    };
    yes.iter()
        .filter(|yes| match yes.voice {
            Voice::Owner => true,
            Voice::Approver(name) => is_of(name),
        })
        .filter(|yes| seen.insert(yes.voice))
        .collect()
}

/// Whether this is a yes, and of somebody who may say it now.
fn counts(asked: &Asked, said: &Said, catalog: &Catalog, agent: &Thumbprint) -> bool {
    if said.verdict != Verdict::Approve {
        return false;
    }
    match &said.by {
        Voice::Owner => true,
        Voice::Approver(name) => is_signed(asked, said, name, catalog, agent).is_some(),
    }
}

/// The signature again, with the approvers of now.
fn is_signed(
    asked: &Asked,
    said: &Said,
    name: &Name,
    catalog: &Catalog,
    agent: &Thumbprint,
) -> Option<()> {
    let signature = SshSignature::parse(said.signature.as_deref()?).ok()?;
    let (approver, key) = signer(&signature, catalog).ok()?;
    let is_independent = !approver.operates.contains(&asked.ask.service);
    if approver.name != *name || !is_independent {
        return None;
    }
    let statement = Statement::new(
        agent.clone(),
        asked.id,
        asked.line.clone(),
        said.verdict,
        said.minutes,
    );
    let line = statement.ok()?.to_line();
    signature.verify(key, NAMESPACE, line.as_bytes()).ok()
}

fn list(lacking: &[Lacking]) -> String {
    let each = lacking.iter().map(|one| match one.yes.as_slice() {
        [] => format!("`{}`: nobody said yes so far", one.need),
        yes => {
            let voices: Vec<_> = yes.iter().map(ToString::to_string).collect();
            format!("`{}`: so far yes by {}", one.need, voices.join(", "))
        }
    });
    each.collect::<Vec<_>>().join("; ")
}
