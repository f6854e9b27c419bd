//! Whom a notification is sent to, and what becomes of those that the server refuses.
//!
//! A recipient must neither block the channel nor silently be without it. One that is refused for good
//! is passed over and tried again with the next notification; one that is refused for now holds the
//! channel for a few minutes, so that a short trouble costs nobody anything. Either is said for as
//! long as it lasts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lettre::Address;
use strongroom::{
    audit::{Entry, Event},
    vault::Catalog,
};

use super::connection::Refusal;

/// How long a recipient that is refused for now may hold the channel: longer than a server with a
/// grey list usually makes one wait.
const PATIENCE: Duration = Duration::from_secs(6 * 60);

/// The addresses of the approvers whose yes a pending request can use. Nobody else is asked: not who
/// is retired, is in no group that it needs, or runs the service that asks.
pub fn approvers(catalog: &Catalog, entry: &Entry) -> Vec<String> {
    let Event::Pending { ask, needs, .. } = &entry.event else {
        return Vec::new();
    };
    let groups: BTreeSet<&str> = needs
        .iter()
        .filter_map(|need| Some(need.split_once(" of ")?.1))
        .collect();
    catalog
        .approvers()
        .filter(|approver| !approver.retired && !approver.operates.contains(&ask.service))
        .filter(|approver| {
            approver
                .groups
                .iter()
                .any(|group| groups.contains(group.as_str()))
        })
        .filter_map(|approver| approver.mail.clone())
        .collect()
}

/// Who was refused at the last try, and since when.
#[derive(Default)]
pub struct Refused(BTreeMap<Address, Since>);

struct Since {
    refusal: Refusal,
    first: Instant,
    time: Timestamp,
}

impl Refused {
    pub fn note(&mut self, address: &Address, refusal: Refusal) {
        let since = self.0.entry(address.clone()).or_insert_with(|| Since {
            refusal: refusal.clone(),
            first: Instant::now(),
            time: Timestamp::now(),
        });
        since.refusal = refusal;
    }

    pub fn forget(&mut self, address: &Address) {
        self.0.remove(address);
    }

    /// Whether the channel waits for this one.
    pub fn holds(&self, address: &Address) -> Option<&Refusal> {
        let since = self.0.get(address)?;
        let waits = !since.refusal.is_permanent() && since.first.elapsed() < PATIENCE;
        waits.then_some(&since.refusal)
    }

    /// Those of these that are refused, in words.
    pub fn among<'a>(&self, addresses: impl IntoIterator<Item = &'a Address>) -> Option<String> {
        let each = addresses.into_iter().filter_map(|address| {
            let since = self.0.get(address)?;
            Some(format!(
                "the mail server refuses `{address}` since {} ({})",
                since.time.strftime("%Y-%m-%d %H:%M UTC"),
                since.refusal
            ))
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    /// Everybody that is refused, in words.
    pub fn everybody(&self) -> Option<String> {
        self.among(self.0.keys())
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
    fn only_who_is_refused_for_now_holds_the_channel_and_not_for_long() {
        let address: Address = "a@example.com".parse().unwrap();
        let mut refused = Refused::default();
        assert!(refused.holds(&address).is_none());
        refused.note(&address, refusal(550));
        assert!(refused.holds(&address).is_none());
        refused.note(&address, refusal(450));
        assert_eq!(refused.holds(&address), Some(&refusal(450)));
        // It counts from the first refusal.
        refused.0.get_mut(&address).unwrap().first = Instant::now().checked_sub(PATIENCE).unwrap();
        refused.note(&address, refusal(451));
        assert!(refused.holds(&address).is_none());
        assert!(refused.everybody().unwrap().contains("(451 no)"));
        refused.forget(&address);
        assert!(refused.everybody().is_none());
    }
}
