//! What an owner writes: Cedar text, checked against the schema before it is stored.
//!
//! What strongroom would not act on is refused and never ignored: an annotation that it does not
//! understand, a statement that can never apply, a character that makes the text read differently
//! from what it says. [`PolicyError`] shows each mistake with its line.

use std::{
    ops::Range,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use cedar_policy::{
    Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};

use super::{
    PolicyError, SCHEMA,
    mistake::{Mistake, misleads},
    obligation::{self, Duty, Obliging},
    question::Looks,
    token::{bounded, tokens},
};
use crate::name::Name;

/// The annotation that is a note for readers and has no effect.
const NOTE: &str = "id";

/// Enough for the deepest text that [`bounded`] lets pass, in a debug build too; a test holds
/// the two together. The system gives the memory only when it is touched.
pub(super) const STACK: usize = 64 * 1024 * 1024;

/// [`SCHEMA`], parsed.
pub(super) static PARSED: LazyLock<Schema> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the schema is part of the program, and every test of this file parses it"
    )]
    Schema::from_str(SCHEMA).expect("the built-in schema is well-formed")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(PARSED.clone()));

/// A policy's name and text, parsed and validated against [`SCHEMA`]. One text may hold several
/// Cedar statements.
#[derive(Clone, Debug)]
pub struct PolicyText {
    name: Name,
    text: String,
    statements: Vec<Statement>,
    mentions: Mentions,
}

/// One Cedar statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Its id is what the audit log shows: the policy's name, with `#1`, `#2`, … where there are
    /// several.
    pub(super) policy: Policy,
    pub(super) looks: Looks,
    /// What its annotations ask for, if they ask for something.
    pub(super) obliging: Option<Arc<Obliging>>,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
}

/// What a policy mentions by name. Texts, not [`Name`]s: anything can stand in a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// In order of the alphabet, each once.
    pub services: Vec<String>,
    /// In order of the alphabet, each once.
    pub secrets: Vec<String>,
}

impl PolicyText {
    /// The longest text, in bytes.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Parses and validates `text` in Cedar's strict mode.
    pub fn check(name: Name, text: &str) -> Result<Self, PolicyError> {
        // Whatever walks the syntax tree does it in here.
        let checked = stacker::grow(STACK, || {
            let (policies, duties) = policies(&name, text)?;
            let mentions = Mentions::of(&policies);
            let statements = policies
                .into_iter()
                .zip(duties)
                .zip(spans(text))
                .zip(1_u32..)
                .map(|(((policy, duty), span), number)| {
                    let counter = format!("{name}#{number}");
                    Statement {
                        looks: Looks::of(&policy),
                        obliging: Obliging::new(policy.id().to_string(), counter, duty),
                        policy,
                        span,
                    }
                });
            Ok((statements.collect(), mentions))
        });
        match checked {
            Ok((statements, mentions)) => Ok(Self {
                name,
                text: text.to_owned(),
                statements,
                mentions,
            }),
            Err(mistakes) => Err(PolicyError::new(name, mistakes)),
        }
    }

    /// The policy's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The text as the owner wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names that the text mentions as `Service::"…"` and `Secret::"…"`, so that the owner
    /// can be told of one that does not exist.
    pub fn mentions(&self) -> &Mentions {
        &self.mentions
    }

    /// The Cedar statements in the order of the text.
    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl Mentions {
    fn of(policies: &[Policy]) -> Self {
        let mut mentions = Self::default();
        for uid in policies.iter().flat_map(Policy::entity_literals) {
            match uid.type_name().basename() {
                "Service" => mentions.services.push(uid.id().unescaped().to_owned()),
                "Secret" => mentions.secrets.push(uid.id().unescaped().to_owned()),
                _ => {}
            }
        }
        for names in [&mut mentions.services, &mut mentions.secrets] {
            names.sort();
            names.dedup();
        }
        mentions
    }
}

/// The statements, and what each asks for.
fn policies(name: &Name, text: &str) -> Result<(Vec<Policy>, Vec<Duty>), Vec<Mistake>> {
    readable(text).map_err(|mistake| vec![mistake])?;
    let parsed = PolicySet::from_str(text).map_err(|errors| {
        errors
            .iter()
            .map(|error| Mistake::of(error, text))
            .collect::<Vec<_>>()
    })?;
    if parsed.templates().next().is_some() {
        return Err(vec![template(text)]);
    }
    let policies = named(name, &parsed);
    if policies.is_empty() {
        let mistake = Mistake::new("there is no policy in the text");
        return Err(vec![mistake.hint("write `permit (…);` or `forbid (…);`")]);
    }
    let duties = duties(&policies, text)?;
    validate(&policies, text)?;
    Ok((policies, duties))
}

/// Bounds, and no character that hides something.
fn readable(text: &str) -> Result<(), Mistake> {
    if text.len() > PolicyText::MAX_LEN {
        let message = format!("the text is longer than {} bytes", PolicyText::MAX_LEN);
        return Err(Mistake::new(message).hint("split it into several policies"));
    }
    // A carriage return alone ends a comment for Cedar, and no line for a reader.
    let lone_return = |at: usize| {
        !text
            .get(at + 1..)
            .is_some_and(|rest| rest.starts_with('\n'))
    };
    if let Some((at, c)) = text
        .char_indices()
        .find(|(at, c)| misleads(*c) || (*c == '\r' && lone_return(*at)))
    {
        return Err(Mistake::new(format!(
            "the invisible character {} is not allowed",
            c.escape_unicode()
        ))
        .at(text, at..at + c.len_utf8())
        .hint("it can make the text read differently from what it says; remove it"));
    }
    bounded(text).map_err(|too| {
        Mistake::new(too.message)
            .at(text, too.span)
            .hint("split it into several statements")
    })
}

fn template(text: &str) -> Mistake {
    let mistake = Mistake::new("a policy template is not a policy")
        .hint("write a name in place of `?principal` or `?resource`");
    match tokens(text).find(|token| token.text == "?") {
        Some(slot) => mistake.at(text, slot.span),
        None => mistake,
    }
}

/// Gives each statement its id, in the order of the text.
fn named(name: &Name, parsed: &PolicySet) -> Vec<Policy> {
    // Cedar's own ids are policy0, policy1, … in that order.
    let number = |policy: &Policy| {
        policy
            .id()
            .to_string()
            .trim_start_matches("policy")
            .parse::<usize>()
            .ok()
    };
    let mut policies: Vec<Policy> = parsed.policies().cloned().collect();
    policies.sort_by_key(number);
    let alone = policies.len() == 1;
    let id = |n: u32| {
        if alone {
            name.to_string()
        } else {
            format!("{name}#{n}")
        }
    };
    policies
        .iter()
        .zip(1..)
        .map(|(policy, n)| policy.new_id(PolicyId::new(id(n))))
        .collect()
}

/// Reads the annotations of each statement.
fn duties(policies: &[Policy], text: &str) -> Result<Vec<Duty>, Vec<Mistake>> {
    let places = annotations(text);
    let mut mistakes = Vec::new();
    let mut duties = Vec::new();
    for (policy, places) in policies.iter().zip(places) {
        let at = |key: &str, mistake: Mistake, value: bool| match places
            .iter()
            .find(|place| place.key == key)
        {
            Some(place) if value => mistake.at(text, place.value.clone()),
            Some(place) => mistake.at(text, place.sign.clone()),
            None => mistake,
        };
        for (key, _) in policy.annotations().filter(|(key, _)| *key != NOTE) {
            if !obligation::KEYS.contains(&key) {
                mistakes.push(at(key, not_understood(key), false));
            } else if policy.effect() == Effect::Forbid {
                mistakes.push(at(key, obligation::on_forbid(key), false));
            }
        }
        match Duty::read(policy.annotations()) {
            Ok(duty) => duties.push(duty),
            Err((key, why)) => mistakes.push(at(key, obligation::mistake(key, &why), true)),
        }
    }
    if mistakes.is_empty() {
        Ok(duties)
    } else {
        Err(mistakes)
    }
}

fn not_understood(key: &str) -> Mistake {
    Mistake::new(format!("annotation `@{key}` is not understood")).hint(
        "remove it: there are `@limit`, `@notify` and `@approve`; a note for readers is `@id(\"…\")` or a comment `// …`",
    )
}

/// Where an annotation stands.
struct Place<'a> {
    key: &'a str,
    /// `@limit`
    sign: Range<usize>,
    /// `"20 per hour"`, or the sign where there is no value.
    value: Range<usize>,
}

/// The places of the annotations of each statement of a text that Cedar has parsed: nothing else
/// begins with `@`, and nothing but the end of a statement is a `;`.
fn annotations(text: &str) -> Vec<Vec<Place<'_>>> {
    let tokens: Vec<_> = tokens(text).collect();
    tokens
        .split(|token| token.text == ";")
        .map(|statement| {
            let windows = (0..statement.len()).filter_map(|from| statement.get(from..));
            windows
                .filter_map(|rest| match rest {
                    [sign, key, open, value, ..] if sign.text == "@" && open.text == "(" => {
                        Some((sign, key, value.span.clone()))
                    }
                    [sign, key, ..] if sign.text == "@" => {
                        Some((sign, key, sign.span.start..key.span.end))
                    }
                    _ => None,
                })
                .map(|(sign, key, value)| Place {
                    key: key.text,
                    sign: sign.span.start..key.span.end,
                    value,
                })
                .collect()
        })
        .collect()
}

/// Where each statement of a parsed text stands, with its annotations and its `;`.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = None;
    for token in tokens(text) {
        let from = *start.get_or_insert(token.span.start);
        if token.text == ";" {
            spans.push(from..token.span.end);
            start = None;
        }
    }
    spans
}

fn validate(policies: &[Policy], text: &str) -> Result<(), Vec<Mistake>> {
    let set = PolicySet::from_policies(policies.iter().cloned())
        .map_err(|error| vec![Mistake::of(&error, text)])?;
    let result = VALIDATOR.validate(&set, ValidationMode::Strict);
    let mut mistakes: Vec<_> = result
        .validation_errors()
        .map(|error| Mistake::of(error, text))
        .collect();
    if mistakes.is_empty() {
        // A warning is a mistake too: a `forbid` that can never apply protects nothing. Only
        // text in two scripts is no reason to doubt: a purpose may be in any language.
        mistakes = result
            .validation_warnings()
            .filter(|warning| !matches!(warning, ValidationWarning::MixedScriptString(_)))
            .map(|warning| Mistake::of(warning, text))
            .collect();
    }
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(mistakes)
    }
}

#[cfg(test)]
mod tests;
