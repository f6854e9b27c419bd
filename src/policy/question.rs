//! What policy is asked, put into Cedar's words.
//!
//! Every value is built with the type that [`SCHEMA`](super::SCHEMA) gives it, so a decision
//! does not validate the request against the schema again; a test does. What no policy looks at is
//! not built (`Looks`).

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    net::IpAddr,
    sync::LazyLock,
};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, Request,
    RestrictedExpression,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::check;
use crate::{
    name::Name,
    operation::{Kind, OperationName},
    request::WayIn,
};

/// One request as policy sees it.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub service: &'a Name,
    /// For what.
    pub operation: OperationName,
    /// The operation's own fields: `context.sign`, `context.verify_mac`, …
    pub fields: &'a Map<String, Value>,
    /// The name in the request: a secret or an alias.
    pub asked: &'a Name,
    /// The secret that this name stands for.
    pub secret: &'a Subject,
    /// What the caller says that it is doing.
    pub purpose: Option<&'a str>,
    /// The ticket that the caller gives for it.
    pub ticket: Option<&'a str>,
    /// How the request came.
    pub way_in: WayIn,
    /// From where, if the way in knows.
    pub address: Option<IpAddr>,
    /// When the agent received it.
    pub time: Timestamp,
}

/// A secret as policy sees it, put into Cedar's words once.
#[derive(Clone, Debug)]
pub struct Subject {
    uid: EntityUid,
    entities: Entities,
}

/// At which parts of a question some policies look; what none looks at is not built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looks(u16);

/// A part of a question that may be left out.
#[derive(Clone, Copy)]
enum Part {
    Asked,
    Purpose,
    Ticket,
    Time,
    Hour,
    Weekday,
    WayIn,
    Address,
    /// The operation's own record.
    Fields,
    /// The caller as an entity: its one attribute.
    Caller,
}

/// Why a request can't be put to policy. It is refused then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request can't be put to policy: {0}")]
pub struct NotAskable(String);

impl NotAskable {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }

    fn untyped(field: &str) -> Self {
        Self(format!("field `{field}` has no type that policy knows"))
    }
}

struct Types {
    action: EntityTypeName,
    algorithm: EntityTypeName,
    fields: EntityTypeName,
    kind: EntityTypeName,
    secret: EntityTypeName,
    service: EntityTypeName,
    way_in: EntityTypeName,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "each is a plain identifier")]
    let named = |name: &str| name.parse().expect("an identifier is a type name");
    Types {
        action: named("Action"),
        algorithm: named("Algorithm"),
        fields: named("Fields"),
        kind: named("Kind"),
        secret: named("Secret"),
        service: named("Service"),
        way_in: named("WayIn"),
    }
});

fn uid(kind: &EntityTypeName, id: impl AsRef<str>) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn entity(kind: &EntityTypeName, id: impl AsRef<str>) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid(kind, id))
}

impl Subject {
    /// A secret's name and what its owner said of it.
    pub fn new(name: &Name, kind: Kind, labels: &BTreeSet<String>, releasable: bool) -> Self {
        let uid = uid(&TYPES.secret, name.as_str());
        let labels = labels.iter().map(|label| text(label));
        let attributes = HashMap::from([
            ("name".to_owned(), text(name.as_str())),
            ("kind".to_owned(), entity(&TYPES.kind, kind.as_str())),
            ("labels".to_owned(), RestrictedExpression::new_set(labels)),
            (
                "releasable".to_owned(),
                RestrictedExpression::new_bool(releasable),
            ),
        ]);
        #[expect(
            clippy::expect_used,
            reason = "an attribute can fail if it calls an extension function, and entities if two have one id"
        )]
        let entities = {
            let entity = Entity::new(uid.clone(), attributes, HashSet::new())
                .expect("plain values are attributes");
            Entities::from_entities([entity], None).expect("one entity has no double")
        };
        Self { uid, entities }
    }
}

impl Looks {
    /// At everything.
    pub(super) const ALL: Self = Self(u16::MAX);

    /// What a statement looks at. An attribute stands in Cedar's JSON form under its own name,
    /// however the text spells it, and not as the `id` of an entity; a string of that form makes
    /// one look too many at worst.
    pub(super) fn of(statement: &Policy) -> Self {
        let Ok(json) = statement.to_json() else {
            return Self::ALL;
        };
        let json = json.to_string();
        let is_attribute = |name: &str| {
            let all = json.matches(&format!("\"{name}\"")).count();
            all > json.matches(&format!("\"id\":\"{name}\"")).count()
        };
        let looked_at = Part::ALL.into_iter().filter(|part| match part.name() {
            Some(name) => is_attribute(name),
            None => OperationName::ALL
                .map(record)
                .iter()
                .any(|name| is_attribute(name)),
        });
        Self(looked_at.fold(0, |looks, part| looks | part.bit()))
    }

    /// What either looks at.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn at(self, part: Part) -> bool {
        self.0 & part.bit() != 0
    }
}

impl Part {
    const ALL: [Self; 10] = [
        Self::Asked,
        Self::Purpose,
        Self::Ticket,
        Self::Time,
        Self::Hour,
        Self::Weekday,
        Self::WayIn,
        Self::Address,
        Self::Fields,
        Self::Caller,
    ];

    /// The attribute that it is; the operation's own record has many names.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Asked => Some("asked"),
            Self::Purpose => Some("purpose"),
            Self::Ticket => Some("ticket"),
            Self::Time => Some("time"),
            Self::Hour => Some("hour"),
            Self::Weekday => Some("weekday"),
            Self::WayIn => Some("way_in"),
            Self::Address => Some("address"),
            Self::Fields => None,
            Self::Caller => Some("name"),
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The attribute of the context that has an operation's own fields.
fn record(operation: OperationName) -> String {
    operation.as_str().replace('-', "_")
}

impl Question<'_> {
    /// The request and the entities that it is about.
    pub(super) fn put(&self, looks: Looks) -> Result<(Request, Cow<'_, Entities>), NotAskable> {
        let service = uid(&TYPES.service, self.service.as_str());
        let mut others = Vec::new();
        if looks.at(Part::Caller) {
            let name = HashMap::from([("name".to_owned(), text(self.service.as_str()))]);
            others
                .push(Entity::new(service.clone(), name, HashSet::new()).map_err(NotAskable::new)?);
        }
        if looks.at(Part::Fields) {
            others.extend(self.named_values()?);
        }
        let entities = match others.is_empty() {
            true => Cow::Borrowed(&self.secret.entities),
            false => {
                let all = self.secret.entities.clone().add_entities(others, None);
                Cow::Owned(all.map_err(NotAskable::new)?)
            }
        };
        let action = uid(&TYPES.action, self.operation.as_str());
        let context = Context::from_pairs(self.context(looks)?).map_err(NotAskable::new)?;
        let request = Request::new(service, action, self.secret.uid.clone(), context, None)
            .map_err(NotAskable::new)?;
        Ok((request, entities))
    }

    /// The fields whose members have names of the caller's: an entity each, with a tag for each
    /// member.
    fn named_values(&self) -> Result<Vec<Entity>, NotAskable> {
        let mut entities = Vec::new();
        for (field, value) in self.fields {
            let Value::Object(members) = value else {
                continue;
            };
            let tags = members.iter().map(|(name, value)| match value {
                Value::String(value) => Ok((name.clone(), text(value))),
                _ => Err(NotAskable::untyped(field)),
            });
            let tags = tags.collect::<Result<Vec<_>, _>>()?;
            let uid = uid(&TYPES.fields, field);
            entities.push(
                Entity::new_with_tags(uid, HashMap::new(), HashSet::new(), tags)
                    .map_err(NotAskable::new)?,
            );
        }
        Ok(entities)
    }

    /// Whether everything in it has the type that the schema gives it: for questions whose fields
    /// come from elsewhere than an operation.
    pub fn fits(&self) -> Result<(), NotAskable> {
        let schema = Some(&*check::PARSED);
        let (request, entities) = self.put(Looks::ALL)?;
        if let (Some(principal), Some(action), Some(resource), Some(context)) = (
            request.principal().cloned(),
            request.action().cloned(),
            request.resource().cloned(),
            request.context().cloned(),
        ) {
            Request::new(principal, action, resource, context, schema).map_err(|_| {
                self.misfit().unwrap_or_else(|| {
                    let record = record(self.operation);
                    NotAskable(format!(
                        "a field in `context.{record}` is not of the type that the schema gives it"
                    ))
                })
            })?;
        }
        Entities::from_entities(entities.into_owned(), schema).map_err(NotAskable::new)?;
        Ok(())
    }

    /// What does not fit the schema: Cedar names it only of JSON.
    fn misfit(&self) -> Option<NotAskable> {
        let entity = |kind: &str, id: &str| json!({"type": kind, "id": id});
        let fields = self.fields.iter().map(|(key, value)| {
            let value = match value {
                Value::String(name) if key == "algorithm" => entity("Algorithm", name),
                Value::Object(_) => entity("Fields", key),
                plain => plain.clone(),
            };
            (key.clone(), value)
        });
        let fields: Map<String, Value> = fields.collect();
        let context = json!({
            "asked": self.asked.as_str(),
            "time": format!("{:.3}", self.time),
            "hour": 0,
            "weekday": 1,
            "way_in": entity("WayIn", way_in(self.way_in)),
            record(self.operation): fields,
        });
        let action = uid(&TYPES.action, self.operation.as_str());
        let read = Context::from_json_value(context, Some((&*check::PARSED, &action)));
        let error = read.err()?;
        let mut causes =
            std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        causes.by_ref().last().map(NotAskable::new)
    }

    fn context(&self, looks: Looks) -> Result<Vec<(String, RestrictedExpression)>, NotAskable> {
        let long = |number: i8| RestrictedExpression::new_long(number.into());
        let utc = || self.time.to_zoned(TimeZone::UTC);
        let mut context = Vec::new();
        for part in Part::ALL.into_iter().filter(|part| looks.at(*part)) {
            let value = match part {
                Part::Asked => Some(text(self.asked.as_str())),
                Part::Purpose => self.purpose.map(text),
                Part::Ticket => self.ticket.map(text),
                Part::Time => Some(RestrictedExpression::new_datetime(format!(
                    "{:.3}",
                    self.time
                ))),
                Part::Hour => Some(long(utc().hour())),
                Part::Weekday => Some(long(utc().weekday().to_monday_one_offset())),
                Part::WayIn => Some(entity(&TYPES.way_in, way_in(self.way_in))),
                // Cedar's `ip` refuses `::ffff:10.1.2.3`, and an owner means 10.1.2.3.
                Part::Address => self.address.map(|address| {
                    RestrictedExpression::new_ip(address.to_canonical().to_string())
                }),
                Part::Fields => Some(self.fields()?),
                Part::Caller => None,
            };
            let name = part
                .name()
                .map_or_else(|| record(self.operation), str::to_owned);
            context.extend(value.map(|value| (name, value)));
        }
        Ok(context)
    }

    fn fields(&self) -> Result<RestrictedExpression, NotAskable> {
        let fields = self.fields.iter().map(|(key, value)| {
            let value = match value {
                Value::String(name) if key == "algorithm" => Some(entity(&TYPES.algorithm, name)),
                Value::String(value) => Some(text(value)),
                Value::Bool(value) => Some(RestrictedExpression::new_bool(*value)),
                Value::Number(value) => value.as_i64().map(RestrictedExpression::new_long),
                Value::Array(values) => values
                    .iter()
                    .map(|value| value.as_str().map(text))
                    .collect::<Option<Vec<_>>>()
                    .map(RestrictedExpression::new_set),
                // Its members are tags of the entity (see `named_values`).
                Value::Object(_) => Some(entity(&TYPES.fields, key)),
                Value::Null => None,
            };
            match value {
                Some(value) => Ok((key.clone(), value)),
                None => Err(NotAskable::untyped(key)),
            }
        });
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        RestrictedExpression::new_record(fields).map_err(NotAskable::new)
    }
}

fn way_in(way_in: WayIn) -> &'static str {
    match way_in {
        WayIn::Tls => "tls",
        WayIn::Local => "local",
    }
}
