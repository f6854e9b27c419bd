//! What waits, as it is listed: rows that travel over the local socket, are printed as a table, in
//! full, or as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom::approval::{Asked, Said, Verdict};

use super::{Undecided, asked};
use crate::{host::Host, waiting::ended};

/// A request that waits, or waited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRow {
    /// The index of its entry.
    pub id: String,
    /// The thumbprint of the agent, which a statement names.
    pub agent: String,
    pub service: String,
    pub operation: String,
    pub secret: String,
    pub purpose: Option<String>,
    pub time: Timestamp,
    pub expires: Timestamp,
    /// `used`, `denied`, `cancelled` or `expired`, if it has ended.
    pub ended: Option<String>,
    pub needs: Vec<NeedRow>,
    pub said: Vec<SaidRow>,
    /// The line of the audit log by which it waits, as stored: what a statement is about.
    pub entry: String,
}

/// Who has to say yes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NeedRow {
    /// As policy writes it: `2 of security`.
    pub need: String,
    pub approvers: u32,
    /// Who has said so, and counts.
    pub yes: Vec<String>,
}

/// What was said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SaidRow {
    pub by: String,
    /// `approve` or `deny`.
    pub decision: Verdict,
    pub time: Timestamp,
    pub minutes: Option<u32>,
    pub key: Option<String>,
    pub detail: Option<String>,
}

impl PendingRow {
    fn of(host: &Host, asked: &Asked, now: Timestamp) -> Self {
        let agent = host.identity().thumbprint();
        let needs = asked.so_far(&host.vault().catalog(), agent);
        Self {
            id: asked.id.to_string(),
            agent: agent.to_string(),
            service: asked.ask.service.to_string(),
            operation: asked.ask.operation.to_string(),
            secret: asked.secret.to_string(),
            purpose: asked.ask.purpose.clone(),
            time: asked.time,
            expires: asked.expires,
            ended: ended(asked, now).map(|how| how.to_string()),
            needs: needs
                .iter()
                .map(|one| NeedRow {
                    need: one.need.to_string(),
                    approvers: one.need.approvers,
                    yes: one.yes.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            said: asked.said.iter().map(SaidRow::of).collect(),
            entry: asked.line.clone(),
        }
    }

    /// Whether as many have said yes as policy asked for when the request came.
    pub fn is_approved(&self) -> bool {
        self.needs.iter().all(NeedRow::is_fulfilled)
    }
}

impl NeedRow {
    /// How many are missing.
    pub fn missing(&self) -> usize {
        (self.approvers as usize).saturating_sub(self.yes.len())
    }

    /// Whether nobody is missing.
    pub fn is_fulfilled(&self) -> bool {
        self.missing() == 0
    }
}

impl SaidRow {
    fn of(said: &Said) -> Self {
        Self {
            by: said.by.to_string(),
            decision: said.verdict,
            time: said.time,
            minutes: said.minutes,
            key: said.key.clone(),
            detail: said.detail.clone(),
        }
    }
}

/// All that wait, the oldest first.
pub fn rows(host: &Host) -> Result<Vec<PendingRow>, Undecided> {
    let (vkey, now) = (host.identity().checkpoint_vkey(), Timestamp::now());
    let waiting = host.read(|store| Asked::all_waiting(store, &vkey))?;
    let rows = waiting.iter().map(|asked| PendingRow::of(host, asked, now));
    Ok(rows.filter(|row| row.ended.is_none()).collect())
}

/// The one with this id, also after it has ended.
pub fn row(host: &Host, id: u64) -> Result<PendingRow, Undecided> {
    let asked = asked(host, id)?.ok_or(strongroom::approval::NotDecided::UnknownId(id))?;
    Ok(PendingRow::of(host, &asked, Timestamp::now()))
}
