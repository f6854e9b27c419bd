//! Whom a notification is sent to, and what becomes of those that the server refuses.
//!
//! A recipient must neither block the channel nor silently be without it. One that is refused for good
//! is passed over and tried again with the next notification; one that is refused for now holds the
//! channel for a few minutes, so that a short trouble costs nobody anything. Either is said for as
//! long as it lasts.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lettre::Address;
use strongroom::{
    approval::{Approver, Shown},
    name::Name,
    vault::Catalog,
};

use super::connection::Refusal;

/// How long a recipient that is refused for now may hold the channel: longer than a server with a
/// grey list usually makes one wait.
const PATIENCE: Duration = Duration::from_secs(6 * 60);
/// Of so many notifications it is known who has them.
const REMEMBERED: usize = 4;

/// An address that every mail server understands: ASCII, and nothing that a command could end by.
pub fn address(text: &str) -> Result<Address, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    match text.parse() {
        Ok(address) if plain => Ok(address),
        _ => Err(format!(
            "`{}` is not an address such as `ops@example.com`",
            text.escape_debug()
        )),
    }
}

/// The addresses of the approvers whose yes a pending request can use. Nobody else is asked: not who
/// is retired, is in no group that it needs, or runs the service that asks.
pub fn approvers(catalog: &Catalog, asked: &Shown) -> BTreeSet<Address> {
    let may_decide = |approver: &&Approver| {
        let mut needs = asked.needs.iter();
        !approver.operates.contains(&asked.ask.service)
            && needs.any(|need| approver.groups.contains(&need.group))
    };
    addresses(catalog.approvers().filter(may_decide))
}

/// The addresses of all approvers.
pub fn everybody(catalog: &Catalog) -> BTreeSet<Address> {
    addresses(catalog.approvers())
}

fn addresses<'a>(approvers: impl Iterator<Item = &'a Approver>) -> BTreeSet<Address> {
    let with_mail = approvers
        .filter(|approver| !approver.retired)
        .filter_map(|approver| approver.mail.as_deref());
    // The vault takes no other addresses than these, but for those that are not ASCII.
    with_mail.filter_map(|mail| address(mail).ok()).collect()
}

/// What mail channels know of their recipients, for as long as the agent runs.
#[derive(Default)]
pub struct Mailboxes(Mutex<HashMap<Name, Arc<Mutex<Mailbox>>>>);

/// The recipients of one channel.
#[derive(Default)]
pub struct Mailbox {
    /// Who has which notification already: of the last few, because a test may come between two tries.
    have: VecDeque<(String, BTreeSet<Address>)>,
    /// Who was refused at the last try.
    refused: BTreeMap<Address, Since>,
}

struct Since {
    refusal: Refusal,
    first: Instant,
    time: Timestamp,
}

impl Mailboxes {
    /// Those of this channel.
    pub fn of(&self, channel: &Name) -> Arc<Mutex<Mailbox>> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(channels.entry(channel.clone()).or_default())
    }
}

impl Mailbox {
    /// Whether this one has the notification.
    pub fn has(&self, id: &str, address: &Address) -> bool {
        let mut known = self.have.iter().filter(|(known, _)| known == id);
        known.any(|(_, have)| have.contains(address))
    }

    /// Keeps what became of a message to these.
    pub fn sent(&mut self, id: &str, to: &[Address], refused: &[(Address, Refusal)]) {
        if !self.have.iter().any(|(known, _)| known == id) {
            self.have.push_back((id.to_owned(), BTreeSet::new()));
            if self.have.len() > REMEMBERED {
                self.have.pop_front();
            }
        }
        let have = self.have.iter_mut().find(|(known, _)| known == id);
        let mut have = have.map(|(_, have)| have);
        for address in to {
            match refused.iter().find(|(refused, _)| refused == address) {
                Some((_, refusal)) => {
                    let since = self.refused.entry(address.clone());
                    let since = since.or_insert_with(|| Since {
                        refusal: refusal.clone(),
                        first: Instant::now(),
                        time: Timestamp::now(),
                    });
                    since.refusal = refusal.clone();
                }
                None => {
                    self.refused.remove(address);
                    if let Some(have) = &mut have {
                        have.insert(address.clone());
                    }
                }
            }
        }
    }

    /// Forgets who is refused and is no recipient any more.
    pub fn forget_all_but(&mut self, is_recipient: impl Fn(&Address) -> bool) {
        self.refused.retain(|address, _| is_recipient(address));
    }

    /// Why the channel waits for this one, if it does.
    pub fn waits_for(&self, address: &Address) -> Option<&Refusal> {
        let since = self.refused.get(address)?;
        let waits = !since.refusal.is_permanent() && since.first.elapsed() < PATIENCE;
        waits.then_some(&since.refusal)
    }

    /// Everybody that is refused, in words.
    pub fn refused(&self) -> Option<String> {
        let each = self.refused.iter().map(|(address, since)| {
            format!(
                "the mail server refuses `{address}` since {} ({})",
                since.time.strftime("%Y-%m-%d %H:%M UTC"),
                since.refusal
            )
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| each.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16) -> Refusal {
        Refusal {
            code,
            text: "no".to_owned(),
        }
    }

    #[test]
    fn only_who_is_refused_for_now_is_waited_for_and_not_for_long() {
        let address: Address = "a@example.com".parse().unwrap();
        let to = [address.clone()];
        let mut mailbox = Mailbox::default();
        assert!(mailbox.waits_for(&address).is_none());
        let mut refuse = |code| {
            mailbox.sent("x/1", &to, &[(address.clone(), refusal(code))]);
            mailbox.waits_for(&address).cloned()
        };
        assert_eq!(refuse(550), None);
        assert_eq!(refuse(450), Some(refusal(450)));
        // It counts from the first refusal.
        let since = mailbox.refused.get_mut(&address).unwrap();
        since.first = Instant::now().checked_sub(PATIENCE).unwrap();
        mailbox.sent("x/2", &to, &[(address.clone(), refusal(451))]);
        assert!(mailbox.waits_for(&address).is_none());
        assert!(mailbox.refused().unwrap().contains("(451 no)"));
        assert!(!mailbox.has("x/2", &address));
        mailbox.sent("x/2", &to, &[]);
        assert!(mailbox.refused().is_none());
        assert!(mailbox.has("x/2", &address) && !mailbox.has("x/1", &address));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let to = ["a@example.com".parse().unwrap()];
        let mut mailbox = Mailbox::default();
        for index in 0..100 {
            mailbox.sent(&format!("x/{index}"), &to, &[]);
        }
        assert_eq!(mailbox.have.len(), REMEMBERED);
        assert!(mailbox.has("x/99", &to[0]) && !mailbox.has("x/0", &to[0]));
    }
}
