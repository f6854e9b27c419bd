//! What an owner writes: Cedar text, checked against the schema before it is stored.
//!
//! What strongroom would not act on is refused and never ignored: an annotation that it does not
//! understand, a statement that can never apply, a character that makes the text read differently
//! from what it says. [`PolicyError`] shows each mistake with its line.

use std::{str::FromStr, sync::LazyLock};

use cedar_policy::{
    Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};

use super::{
    PolicyError, SCHEMA,
    mistake::{Mistake, misleads},
    question::Looks,
    token::{bounded, tokens},
};
use crate::name::Name;

/// The annotations that may stand in a policy: `@id` is a note for readers and has no effect.
const ANNOTATIONS: &[&str] = &["id"];

/// Obligations that owners will look for, and what is true until they exist.
const NOT_YET: &[(&str, &str)] = &[
    ("approve", "nobody would be asked"),
    ("limit", "uses are not counted"),
    ("notify", "every use is notified in the same way"),
];

/// Enough for the deepest text that [`bounded`] lets pass, in a debug build too; a test holds
/// the two together. The system gives the memory only when it is touched.
const STACK: usize = 64 * 1024 * 1024;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the schema is part of the program, and every test of this file parses it"
    )]
    Validator::new(Schema::from_str(SCHEMA).expect("the built-in schema is well-formed"))
});

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
            let policies = policies(&name, text)?;
            let mentions = Mentions::of(&policies);
            let statements = policies.into_iter().map(|policy| Statement {
                looks: Looks::of(&policy),
                policy,
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

fn policies(name: &Name, text: &str) -> Result<Vec<Policy>, Vec<Mistake>> {
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
    let annotations = annotation_mistakes(&policies, text);
    if !annotations.is_empty() {
        return Err(annotations);
    }
    validate(&policies, text)?;
    Ok(policies)
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

fn annotation_mistakes(policies: &[Policy], text: &str) -> Vec<Mistake> {
    let tokens: Vec<_> = tokens(text).collect();
    let mut mistakes = Vec::new();
    for (key, _) in policies.iter().flat_map(Policy::annotations) {
        if ANNOTATIONS.contains(&key) {
            continue;
        }
        for pair in tokens.windows(2) {
            if let [sign, word] = pair
                && sign.text == "@"
                && word.text == key
            {
                mistakes.push(not_understood(key).at(text, sign.span.start..word.span.end));
            }
        }
        if mistakes.is_empty() {
            mistakes.push(not_understood(key));
        }
    }
    mistakes
}

fn not_understood(key: &str) -> Mistake {
    match NOT_YET.iter().find(|(later, _)| *later == key) {
        Some((_, so)) => Mistake::new(format!("annotation `@{key}` is not understood yet: {so}"))
            .hint("remove it; where it matters, permit less with conditions in `when { … }`"),
        None => Mistake::new(format!("annotation `@{key}` is not understood"))
            .hint("remove it; a note for readers is `@id(\"…\")` or a comment `// …`"),
    }
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
