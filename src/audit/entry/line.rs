//! An entry as JSON: all members that there are, in the order that RFC 8785 demands.

use std::net::IpAddr;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::{Serialize, Serializer};

use super::{Action, Ask, By, Decided, Ending, Entry, Event, Kind, Reason};
use crate::{name::Name, notification::Urgency, operation::OperationName, request::WayIn};

/// All members that an entry may have, in the order of RFC 8785.
#[derive(Default, Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "<[u64]>::is_empty")]
    approvals: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a Ask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Decided>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<Ending>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgency: Option<Urgency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    way_in: Option<WayIn>,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = Line {
            kind: Some(self.event.kind()),
            time: Some(Millis(self.time)),
            ..Line::default()
        };
        match &self.event {
            Event::Use {
                ask,
                secret,
                version,
                policies,
                approvals,
                pending,
                urgency,
            } => Line {
                ask: Some(ask),
                secret: Some(secret),
                version: Some(*version),
                policies: Some(policies),
                approvals,
                pending: *pending,
                urgency: *urgency,
                ..line
            },
            Event::Pending {
                ask,
                secret,
                version,
                policies,
                needs,
                expires,
                urgency,
            } => Line {
                ask: Some(ask),
                secret: Some(secret),
                version: Some(*version),
                policies: Some(policies),
                needs: Some(needs),
                expires: Some(Millis(*expires)),
                urgency: *urgency,
                ..line
            },
            Event::Decision {
                entry,
                service,
                secret,
                operation,
                decided,
                by,
                approver,
                minutes,
                key,
                signature,
                detail,
            } => Line {
                entry: Some(*entry),
                service: Some(service),
                secret: Some(secret),
                operation: Some(*operation),
                decided: Some(*decided),
                by: Some(*by),
                approver: approver.as_ref(),
                minutes: *minutes,
                key: key.as_deref(),
                signature: signature.as_deref(),
                detail: detail.as_deref(),
                ..line
            },
            Event::Outcome {
                entry,
                service,
                secret,
                version,
                operation,
                ending,
                status,
                expires,
                detail,
                urgency,
            } => Line {
                entry: Some(*entry),
                service: Some(service),
                secret: Some(secret),
                version: Some(*version),
                operation: Some(*operation),
                ending: Some(*ending),
                status: *status,
                expires: expires.map(Millis),
                detail: detail.as_deref(),
                urgency: *urgency,
                ..line
            },
            Event::Refusal {
                ask,
                reason,
                detail,
                policies,
            } => Line {
                ask: Some(ask),
                reason: Some(*reason),
                detail: Some(detail),
                policies: Some(policies),
                ..line
            },
            Event::Noise {
                reason,
                way_in,
                address,
                service,
                count,
                since,
                detail,
            } => Line {
                reason: Some(*reason),
                way_in: Some(*way_in),
                address: *address,
                service: service.as_ref(),
                count: Some(*count),
                since: Some(Millis(*since)),
                detail: Some(detail),
                ..line
            },
            Event::Administration {
                action,
                subject,
                version,
                detail,
                by,
                record,
            } => Line {
                action: Some(*action),
                subject: subject.as_deref(),
                version: *version,
                detail: detail.as_deref(),
                by: Some(*by),
                record: *record,
                ..line
            },
        }
        .serialize(serializer)
    }
}

/// RFC 3339 in UTC with milliseconds.
struct Millis(Timestamp);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        serializer.serialize_str(&PRINTER.timestamp_to_string(&self.0))
    }
}
