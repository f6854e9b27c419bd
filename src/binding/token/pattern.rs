//! Texts that an owner allows: as they are, or with `*` for any text, also none.

use serde::{Deserialize, Serialize};

use super::{BadBinding, bad};

/// A text in which `*` stands for any text, `\*` for a star and `\\` for a backslash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

/// A character of a pattern, or its star.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Any,
    One(char),
}

impl Pattern {
    /// The longest pattern, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Whether it can be meant.
    pub(super) fn check(
        &self,
        section: &'static str,
        field: &'static str,
    ) -> Result<(), BadBinding> {
        let text = self.0.escape_debug();
        if self.0.is_empty() || self.0.len() > Self::MAX_LEN {
            return Err(bad(section, field, "a pattern has 1 to 256 bytes"));
        }
        if self.0.contains(char::is_control) {
            let problem = format!("`{text}` has control characters");
            return Err(bad(section, field, problem));
        }
        if self.parts().is_none() {
            let problem = format!(
                "`{text}` has a stray backslash: write `\\*` for a star and `\\\\` for a backslash"
            );
            return Err(bad(section, field, problem));
        }
        Ok(())
    }

    /// The one text that it allows, if it is one.
    pub fn literal(&self) -> Option<String> {
        let parts = self.parts()?.into_iter();
        parts
            .map(|part| match part {
                Part::One(character) => Some(character),
                Part::Any => None,
            })
            .collect()
    }

    /// Whether it allows this text.
    pub fn allows(&self, text: &str) -> bool {
        let Some(parts) = self.parts() else {
            return false;
        };
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where the last star stands, and up to where it reaches by now. An earlier star need not
        // reach further: whatever it took more, the last one can take.
        let mut star: Option<(usize, usize)> = None;
        while let Some(character) = text.get(at) {
            match (parts.get(part), star) {
                (Some(Part::Any), _) => {
                    star = Some((part, at));
                    part += 1;
                }
                (Some(Part::One(one)), _) if one == character => {
                    part += 1;
                    at += 1;
                }
                (_, Some((stands, reaches))) => {
                    star = Some((stands, reaches + 1));
                    part = stands + 1;
                    at = reaches + 1;
                }
                (_, None) => return false,
            }
        }
        let rest = parts.get(part..).unwrap_or_default();
        rest.iter().all(|part| *part == Part::Any)
    }

    /// `None` if there is a stray backslash.
    fn parts(&self) -> Option<Vec<Part>> {
        let mut characters = self.0.chars();
        let mut parts = Vec::new();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' => Part::Any,
                '\\' => Part::One(
                    characters
                        .next()
                        .filter(|next| matches!(next, '*' | '\\'))?,
                ),
                other => Part::One(other),
            });
        }
        Some(parts)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern(text.to_owned())
    }

    #[test]
    fn a_star_stands_for_any_text() {
        let table = [
            ("ci", "ci", true),
            ("ci", "ci-1", false),
            ("ci-*", "ci-", true),
            ("ci-*", "ci-1", true),
            ("ci-*", "xci-1", false),
            ("*-prod", "web-prod", true),
            ("*-prod", "web-prod-2", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("**", "x", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            (r"a\\*", r"a\b", true),
        ];
        for (text, candidate, expected) in table {
            assert_eq!(
                pattern(text).allows(candidate),
                expected,
                "{text} {candidate}"
            );
        }
    }

    #[test]
    fn a_pattern_without_a_star_is_one_text() {
        assert_eq!(pattern(r"a\*\\").literal().as_deref(), Some(r"a*\"));
        assert_eq!(pattern("a*").literal(), None);
    }

    #[test]
    fn a_stray_backslash_is_refused() {
        for text in [r"a\", r"a\b", "", "a\nb"] {
            assert!(
                pattern(text).check("token.jwt", "subject").is_err(),
                "{text}"
            );
        }
        assert!(!pattern(r"a\b").allows(r"a\b"));
    }

    /// Cedar's `like` has the same stars and escapes.
    fn like(pattern: &str, text: &str) -> bool {
        use cedar_policy::{EvalResult, Expression, eval_expression};
        let source = format!("{text:?} like \"{pattern}\"");
        let entities = cedar_policy::Entities::empty();
        let expression: Expression = source.parse().unwrap();
        let uid = |id: &str| id.parse::<cedar_policy::EntityUid>().unwrap();
        let request = cedar_policy::Request::new(
            uid("A::\"a\""),
            uid("A::\"a\""),
            uid("A::\"a\""),
            cedar_policy::Context::empty(),
            None,
        )
        .unwrap();
        match eval_expression(&request, &entities, &expression).unwrap() {
            EvalResult::Bool(is) => is,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_cedars_like(text in "[ab*]{0,6}", source in "([ab]|[*]|\\\\[*]){1,6}") {
            prop_assert_eq!(pattern(&source).allows(&text), like(&source, &text));
        }
    }
}
