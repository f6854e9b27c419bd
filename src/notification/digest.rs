//! What is folded together: counts by group, and one notification that tells of all of them.
//!
//! Bounded whatever is counted: so many groups, and of each group its number and one purpose.

use std::{cmp::Reverse, collections::HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Fact, Notification, Urgency};
use crate::{
    audit::entry::{Action, Decided, Ending, Entry, Event, Kind, Reason},
    name::Name,
    operation::OperationName,
};

mod clause;

use clause::Span;

/// So many groups are told apart in one digest; what comes beyond is counted as others.
const MOST_GROUPS: usize = 64;
/// So many groups have a fact of their own.
const MOST_FACTS: usize = 20;
/// So many groups are said in the sentence.
const MOST_SAID: usize = 3;

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Group {
    Use(Name, OperationName, Name),
    Outcome(Name, OperationName, Name, Ending),
    /// The name that was asked for is left out where nobody has it: a service can make up any number.
    Refusal(Name, OperationName, Option<Name>, Reason),
    Noise(Option<Name>, Reason),
    Pending(Name, OperationName, Name),
    Decision(Name, OperationName, Name, Decided),
    Administration(Action),
}

impl Group {
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::Use { ask, secret, .. } => {
                Self::Use(ask.service.clone(), ask.operation, secret.clone())
            }
            Event::Pending { ask, secret, .. } => {
                Self::Pending(ask.service.clone(), ask.operation, secret.clone())
            }
            Event::Outcome {
                service,
                operation,
                secret,
                ending,
                ..
            } => Self::Outcome(service.clone(), *operation, secret.clone(), *ending),
            Event::Refusal { ask, reason, .. } => {
                let asked = (*reason != Reason::UnknownSecret).then(|| ask.asked.clone());
                Self::Refusal(ask.service.clone(), ask.operation, asked, *reason)
            }
            Event::Noise {
                service, reason, ..
            } => Self::Noise(service.clone(), *reason),
            Event::Decision {
                service,
                operation,
                secret,
                decided,
                ..
            } => Self::Decision(service.clone(), *operation, secret.clone(), *decided),
            Event::Administration { action, .. } => Self::Administration(*action),
        }
    }
}

/// Why entries are folded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// They are of one window of this many minutes.
    Window(i64),
    /// They are of the same quiet hours.
    QuietHours,
    /// They are told too late.
    Late,
}

/// The entries that were folded together so far.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    fold: Fold,
    groups: HashMap<Group, Counted>,
    /// How many are of no group that is told apart.
    others: u64,
    count: u64,
    /// Index and time of the first entry and of the last one.
    first: (u64, Timestamp),
    last: (u64, Timestamp),
    kinds: HashMap<Kind, u64>,
    quiet: u64,
    /// The first one: if it stays the only one, it is told by itself.
    only: Box<Notification>,
}

/// What is counted of a group.
#[derive(Clone, Debug)]
struct Counted {
    entries: u64,
    /// For noise, the requests that the entries count.
    requests: u64,
    /// The index of the first one.
    first: u64,
    /// One of the group was told by itself in the same window.
    is_more: bool,
    why: Why,
    /// The first one's sentence.
    sentence: String,
    /// To what something was done, if it was always the same.
    subject: Option<String>,
}

/// What the callers say it was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    Nothing,
    All(String),
    Some(String),
}

impl Digest {
    /// A digest that counts one entry; `only` tells of that alone.
    pub(super) fn of(fold: Fold, entry: &Entry, only: Notification, is_more: bool) -> Self {
        let mut digest = Self {
            fold,
            groups: HashMap::new(),
            others: 0,
            count: 0,
            first: (only.index, entry.time),
            last: (only.index, entry.time),
            kinds: HashMap::new(),
            quiet: 0,
            only: Box::new(only),
        };
        let (index, urgency) = (digest.only.index, digest.only.urgency);
        digest.add(index, entry, urgency, is_more);
        digest
    }

    /// Counts an entry; `is_more` says that one of its group was told by itself.
    pub(super) fn add(&mut self, index: u64, entry: &Entry, urgency: Urgency, is_more: bool) {
        self.count += 1;
        self.last = (index, entry.time);
        self.quiet += u64::from(urgency == Urgency::Quiet);
        *self.kinds.entry(entry.event.kind()).or_default() += 1;
        let group = Group::of(&entry.event);
        let has_room = self.groups.len() < MOST_GROUPS;
        match self.groups.get_mut(&group) {
            Some(counted) => counted.add(&entry.event),
            None if has_room => {
                let counted = Counted::of(index, entry, is_more);
                self.groups.insert(group, counted);
            }
            None => self.others += 1,
        }
    }

    /// The index of the first entry that it counts.
    pub(super) fn first(&self) -> u64 {
        self.first.0
    }

    /// The one notification that tells of all of them.
    pub(super) fn tell(self, origin: &str) -> Notification {
        if self.count == 1 {
            return *self.only;
        }
        let groups = self.sorted();
        let (first, last) = (self.first.0, self.last.0);
        Notification {
            id: format!("{origin}/{first}-{last}"),
            index: last,
            time: self.last.1,
            urgency: match self.quiet == self.count {
                true => Urgency::Quiet,
                false => Urgency::Normal,
            },
            kind: "digest".to_owned(),
            marks: Vec::new(),
            sentence: self.sentence(&groups),
            facts: self.facts(&groups),
            entry: self.summary(&groups),
        }
    }

    /// The groups with the most entries first; after an outage, before them what people did.
    fn sorted(&self) -> Vec<(&Group, &Counted)> {
        let by_people = |group: &Group| {
            let is_by_people = matches!(group, Group::Administration(_) | Group::Decision(..));
            self.fold == Fold::Late && is_by_people
        };
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(group, counted)| {
            (!by_people(group), Reverse(counted.entries), counted.first)
        });
        groups
    }

    fn sentence(&self, groups: &[(&Group, &Counted)]) -> String {
        let span = match self.fold {
            Fold::Late => return self.late(),
            Fold::Window(minutes) => Span::Minutes(minutes),
            Fold::QuietHours => Span::QuietHours,
        };
        if let [(group, counted)] = groups
            && self.others == 0
        {
            return clause::said(group, counted, Some(span));
        }
        let more = match groups.iter().any(|(_, counted)| counted.is_more) {
            true => " more",
            false => "",
        };
        let said: Vec<String> = (groups.iter().take(MOST_SAID))
            .map(|(group, counted)| clause::said(group, counted, None))
            .collect();
        let told: u64 = (groups.iter().take(MOST_SAID))
            .map(|(_, counted)| counted.entries)
            .sum();
        let rest = match self.count - told {
            0 => String::new(),
            rest => format!("; and {rest} others"),
        };
        format!("{}{more} {span}: {}{rest}", self.count, said.join("; "))
    }

    /// What is told after an outage: how many of which kinds, and where they are.
    fn late(&self) -> String {
        let urgencies = match (self.quiet, self.count - self.quiet) {
            (0, _) => "all normal".to_owned(),
            (_, 0) => "all quiet".to_owned(),
            (quiet, normal) => format!("{normal} normal and {quiet} quiet"),
        };
        format!(
            "{} notifications could not be sent in time: {} ({urgencies}); `{}` shows them",
            self.count,
            self.by_kind().join(", "),
            self.command()
        )
    }

    /// `42 of use`, for each kind that there is.
    fn by_kind(&self) -> Vec<String> {
        let counts = Kind::ALL.iter().filter_map(|kind| {
            let count = self.kinds.get(kind)?;
            Some(clause::of_kind(*kind, *count))
        });
        counts.collect()
    }

    /// What shows them.
    fn command(&self) -> String {
        format!("strongroom audit show --since {}", self.first.1)
    }

    fn facts(&self, groups: &[(&Group, &Counted)]) -> Vec<Fact> {
        let fact = |label: &str, text: String| Fact {
            label: label.to_owned(),
            text,
        };
        let mut facts = vec![
            fact("entries", format!("{} to {}", self.first.0, self.last.0)),
            fact("from", self.first.1.to_string()),
            fact("to", self.last.1.to_string()),
            fact("kinds", self.by_kind().join(", ")),
        ];
        for (group, counted) in groups.iter().take(MOST_FACTS) {
            facts.push(fact("counted", clause::said(group, counted, None)));
        }
        let told: u64 = (groups.iter().take(MOST_FACTS))
            .map(|(_, counted)| counted.entries)
            .sum();
        if told < self.count {
            facts.push(fact("counted", format!("{} others", self.count - told)));
        }
        facts.push(fact("show", self.command()));
        facts
    }

    /// The same for programs.
    fn summary(&self, groups: &[(&Group, &Counted)]) -> Value {
        let kinds: serde_json::Map<String, Value> = (Kind::ALL.iter())
            .filter_map(|kind| Some((kind.to_string(), Value::from(*self.kinds.get(kind)?))))
            .collect();
        let groups: Vec<Value> = (groups.iter())
            .map(|(group, counted)| clause::summary(group, counted))
            .collect();
        json!({
            "kind": "digest",
            "of": match self.fold {
                Fold::Window(_) => "window",
                Fold::QuietHours => "quiet-hours",
                Fold::Late => "late",
            },
            "count": self.count,
            "first": self.first.0,
            "last": self.last.0,
            "since": self.first.1,
            "until": self.last.1,
            "kinds": kinds,
            "urgencies": {"quiet": self.quiet, "normal": self.count - self.quiet},
            "groups": groups,
            "others": self.others,
        })
    }
}

impl Counted {
    fn of(index: u64, entry: &Entry, is_more: bool) -> Self {
        let why = match purpose(&entry.event) {
            Some(purpose) => Why::All(purpose.to_owned()),
            None => Why::Nothing,
        };
        let subject = match &entry.event {
            Event::Administration { subject, .. } => subject.clone(),
            _ => None,
        };
        Self {
            entries: 1,
            requests: requests(&entry.event),
            first: index,
            is_more,
            why,
            sentence: super::sentence(entry, None),
            subject,
        }
    }

    fn add(&mut self, event: &Event) {
        self.entries += 1;
        self.requests = self.requests.saturating_add(requests(event));
        let purpose = purpose(event);
        self.why = match std::mem::replace(&mut self.why, Why::Nothing) {
            Why::All(all) if purpose != Some(&all) => Why::Some(all),
            Why::Nothing => purpose.map_or(Why::Nothing, |purpose| Why::Some(purpose.to_owned())),
            same => same,
        };
        if let Event::Administration { subject, .. } = event
            && *subject != self.subject
        {
            self.subject = None;
        }
    }
}

fn purpose(event: &Event) -> Option<&String> {
    match event {
        Event::Use { ask, .. } | Event::Refusal { ask, .. } | Event::Pending { ask, .. } => {
            ask.purpose.as_ref()
        }
        _ => None,
    }
}

fn requests(event: &Event) -> u64 {
    match event {
        Event::Noise { count, .. } => *count,
        _ => 1,
    }
}
