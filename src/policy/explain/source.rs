//! The conditions of a statement in its text, and what they look at.
//!
//! The text was parsed before, so that brackets match and a `when` is followed by its braces.

use std::ops::Range;

use crate::policy::token::{Token, tokens};

/// A condition's place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) unless: bool,
    pub(super) span: Range<usize>,
}

/// The conditions of the statement at `span`. What `&&` joins in a `when` is one each: all of
/// them must hold. An `unless` is whole: one part that does not hold is enough.
pub(super) fn clauses(text: &str, span: Range<usize>) -> Vec<Clause> {
    let tokens = within(text, span);
    let mut clauses = Vec::new();
    let mut rest = tokens.as_slice();
    let mut depth = 0_usize;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            "when" | "unless" if depth == 0 => {
                let unless = token.text == "unless";
                let body = body(rest);
                let parts = match unless {
                    true => vec![body],
                    false => conjuncts(body),
                };
                clauses.extend(parts.into_iter().filter_map(|part| {
                    let (first, last) = (part.first()?, part.last()?);
                    let span = first.span.start..last.span.end;
                    Some(Clause { unless, span })
                }));
            }
            _ => {}
        }
    }
    clauses
}

/// What an expression looks at: `context.http.path`, `context.http.query.getTag("force")`,
/// `principal.name`, `resource`.
pub(super) fn paths(text: &str, span: Range<usize>) -> Vec<String> {
    let tokens = within(text, span);
    let windows = (0..tokens.len()).filter_map(|at| Some((at, tokens.get(at..)?)));
    windows
        .filter_map(|(at, rest)| {
            // `.name` of something else may be called `context` too.
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            match before.map(|token| token.text) {
                Some("." | ":") => None,
                _ => path(rest),
            }
        })
        .collect()
}

fn path(tokens: &[Token<'_>]) -> Option<String> {
    let (root, mut rest) = tokens.split_first()?;
    if !matches!(root.text, "context" | "principal" | "resource" | "action") {
        return None;
    }
    let mut path = root.text.to_owned();
    loop {
        rest = match rest {
            [dot, call, open, key, close, after @ ..]
                if dot.text == "."
                    && matches!(call.text, "hasTag" | "getTag")
                    && open.text == "("
                    && key.text.starts_with('"')
                    && close.text == ")" =>
            {
                path.push_str(&format!(".getTag({})", key.text));
                return Some(path).filter(|_| !matches!(after, [more, ..] if more.text == "."));
            }
            // A call of anything else looks at what stands before it.
            [dot, _, open, ..] if dot.text == "." && open.text == "(" => break,
            [dot, name, after @ ..] if dot.text == "." => {
                path.push('.');
                path.push_str(name.text);
                after
            }
            [open, key, close, after @ ..]
                if open.text == "[" && key.text.starts_with('"') && close.text == "]" =>
            {
                path.push_str(&format!("[{}]", key.text));
                after
            }
            [has, name, after @ ..] if has.text == "has" => {
                match name.text.starts_with('"') {
                    true => path.push_str(&format!("[{}]", name.text)),
                    false => path.push_str(&format!(".{}", name.text)),
                }
                after
            }
            _ => break,
        };
    }
    // The whole context tells nobody anything.
    (path != "context").then_some(path)
}

fn within(text: &str, span: Range<usize>) -> Vec<Token<'_>> {
    let inside = text.get(span.clone()).unwrap_or_default();
    tokens(inside)
        .map(|token| Token {
            text: token.text,
            span: token.span.start + span.start..token.span.end + span.start,
        })
        .collect()
}

/// What stands between the braces that the tokens begin with.
fn body<'a, 't>(tokens: &'a [Token<'t>]) -> &'a [Token<'t>] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return tokens.get(1..at).unwrap_or_default();
        }
    }
    &[]
}

/// `&&` binds weaker than everything but `||` and `if`: without those outside of brackets, each
/// one outside of brackets is at the top of the syntax tree.
fn conjuncts<'a, 't>(tokens: &'a [Token<'t>]) -> Vec<&'a [Token<'t>]> {
    let mut depth = 0_usize;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, pair) in tokens.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        match one.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            "if" | "|" if depth == 0 => return vec![tokens],
            // The second of a pair is where the next part begins.
            "&" if depth == 0 && next.text == "&" => {
                parts.extend(tokens.get(start..at));
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.extend(tokens.get(start..));
    parts
}
