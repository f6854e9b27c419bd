//! Texts and the reports of their mistakes, word for word.

use proptest::prelude::*;

use super::{Mentions, PolicyText};
use crate::{
    notification::Urgency,
    policy::{Policies, obligation::Duty, token::MAX_NESTING},
};

fn check(text: &str) -> Result<PolicyText, String> {
    PolicyText::check("atlas".parse().unwrap(), text).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, report: &str) {
    assert_eq!(check(text).unwrap_err(), report.trim_start_matches('\n'));
}

#[test]
fn a_good_text_is_kept_as_written() {
    let text = "// who signs\n@id(\"release\")\npermit (principal, action == Action::\"sign\", resource);\r\n";
    let policy = check(text).unwrap();
    assert_eq!((policy.name().as_str(), policy.text()), ("atlas", text));
}

#[test]
fn what_is_mentioned_is_listed() {
    let policy = check(
        r#"permit (principal == Service::"b", action, resource in Secret::"z") unless { principal == Service::"a" };
               forbid (principal == Service::"b", action, resource) when { resource in [Secret::"x", Secret::"z"] };"#,
    );
    let list = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let expected = Mentions {
        services: list(["a", "b"]),
        secrets: list(["x", "z"]),
    };
    assert_eq!(policy.unwrap().mentions(), &expected);
}

#[test]
fn an_unknown_attribute_is_shown_with_its_line() {
    refused(
        "permit (principal == Service::\"atlas\",\n\taction == Action::\"sign\", resource)\n\twhen { context.sing.algorithm == Algorithm::\"ES256\" };",
        r#"
policy `atlas`, line 3: attribute `sing` in context for Action::"sign" not found
  |
3 |  when { context.sing.algorithm == Algorithm::"ES256" };
  |         ^^^^^^^^^^^^^^^^^^^^^^
  = did you mean `sign`?"#,
    );
}

#[test]
fn an_unknown_action_is_shown_with_its_line() {
    refused(
        "permit (principal, action == Action::\"sing\", resource);",
        r#"
policy `atlas`, line 1: unrecognized action `Action::"sing"`
  |
1 | permit (principal, action == Action::"sing", resource);
  |                              ^^^^^^^^^^^^^^
  = the actions are `Action::"public-key"`, `Action::"sign"`, `Action::"mac"`, `Action::"verify-mac"`, `Action::"encrypt"`, `Action::"decrypt"`, `Action::"data-key"`, `Action::"http"`, `Action::"aws-sign"`, `Action::"token"`, `Action::"ssh-sign"`, `Action::"ssh-certificate"`, `Action::"totp"`, `Action::"release"`"#,
    );
}

#[test]
fn a_syntax_error_is_shown_with_its_line() {
    refused(
        "permit (principal, action, resource)\n",
        r#"
policy `atlas`, line 1: unexpected end of input
  |
1 | permit (principal, action, resource)
  |                                     ^ expected `;` or identifier"#,
    );
    let both =
        check("permit (principal, action, resource) when { 1 < };\npermit (,);").unwrap_err();
    assert!(both.contains("line 1: unexpected token `}`"), "{both}");
    assert!(both.contains("line 2: unexpected token `,`"), "{both}");
}

#[test]
fn closed_sets_are_compared_with_their_own_names() {
    refused(
        "forbid (principal, action, resource) when { context.way_in == \"tsl\" };",
        r#"
policy `atlas`, line 1: the types String and WayIn are not compatible
  |
1 | forbid (principal, action, resource) when { context.way_in == "tsl" };
  |                                             ^^^^^^^^^^^^^^^^^^^^^^^
  = compare with a name of that type: `Kind::"rsa"`, `WayIn::"tls"`, `Algorithm::"ES256"`"#,
    );
    let unknown =
        check("forbid (principal, action, resource) when { resource.kind == Kind::\"rsq\" };")
            .unwrap_err();
    assert!(
        unknown.contains("valid entity eids: \"ed25519\", \"p256\""),
        "{unknown}"
    );
}

#[test]
fn an_operations_fields_belong_to_its_action() {
    let report =
        check("permit (principal, action, resource) when { context.sign.input == \"digest\" };")
            .unwrap_err();
    assert!(
        report.ends_with(
            "= only `sign` has it: write `action == Action::\"sign\"` in the scope of the policy"
        ),
        "{report}"
    );
}

#[test]
fn optional_attributes_are_asked_for_first() {
    let report =
        check("permit (principal, action, resource) when { context.purpose like \"x*\" };")
            .unwrap_err();
    assert!(
        report.contains("= not every request has it: ask first"),
        "{report}"
    );
    assert_eq!(
        report.matches("line 1").count(),
        1,
        "once, not once for each action: {report}"
    );
}

#[test]
fn obligations_are_kept() {
    let policy = check(
        "@limit(\"20 per hour, 100 per day\") @id(\"x\") @notify(\"quiet\")
         permit (principal, action, resource); @id(\"; @limit(\")
         permit (principal, action, resource); @approve(\"1 of security\")
         permit (principal, action, resource);",
    )
    .unwrap();
    let seen: Vec<_> = policy
        .statements()
        .iter()
        .map(|statement| {
            let text = &policy.text()[statement.span.clone()];
            assert!(text.starts_with('@') && text.ends_with(");"), "{text}");
            let obliging = statement.obliging.as_ref()?;
            let Duty {
                limits,
                urgency,
                approval,
            } = &obliging.duty;
            Some((
                obliging.counter.as_str(),
                limits.len(),
                *urgency,
                approval.is_some(),
            ))
        })
        .collect();
    assert_eq!(
        seen,
        [
            Some(("atlas#1", 2, Some(Urgency::Quiet), false)),
            None,
            Some(("atlas#3", 0, None, true)),
        ]
    );
}

#[test]
fn an_obligation_that_cannot_be_understood_is_shown_with_its_line() {
    refused(
        "@limit(\"20 per hour\")\npermit (principal, action, resource);\n@id(\"@limit\") @limit(\"20 an hour\")\npermit (principal, action, resource);",
        r#"
policy `atlas`, line 3: annotation `@limit` can't be understood
  |
3 | @id("@limit") @limit("20 an hour")
  |                      ^^^^^^^^^^^^
  = write `20 per hour`, `5 per 10 minutes` or `20 per hour, 100 per day`"#,
    );
    refused(
        "@notify permit (principal, action, resource);",
        r#"
policy `atlas`, line 1: annotation `@notify` can't be understood
  |
1 | @notify permit (principal, action, resource);
  | ^^^^^^^
  = write `urgent`, `normal` or `quiet`"#,
    );
    refused(
        "@approve(\"security\") permit (principal, action, resource);",
        r#"
policy `atlas`, line 1: annotation `@approve` can't be understood
  |
1 | @approve("security") permit (principal, action, resource);
  |          ^^^^^^^^^^
  = write how many of which group have to say yes: `1 of security`"#,
    );
}

#[test]
fn a_forbid_has_no_obligations() {
    refused(
        "@limit(\"20 per hour\") permit (principal, action, resource);\n@limit(\"20 per hour\") forbid (principal, action, resource);",
        r#"
policy `atlas`, line 2: annotation `@limit` has no effect on a `forbid`
  |
2 | @limit("20 per hour") forbid (principal, action, resource);
  | ^^^^^^
  = remove it, or put it on the `permit` whose uses it is about"#,
    );
}

#[test]
fn an_annotation_stands_once() {
    let twice = "@limit(\"1 per day\") @limit(\"9 per day\") permit (principal, action, resource);";
    assert!(check(twice).unwrap_err().contains("duplicate annotation"));
}

#[test]
fn an_unknown_annotation_is_refused() {
    refused(
        "@aprove(\"1 of security\")\npermit (principal, action, resource);",
        r#"
policy `atlas`, line 1: annotation `@aprove` is not understood
  |
1 | @aprove("1 of security")
  | ^^^^^^^
  = remove it: there are `@limit`, `@notify` and `@approve`; a note for readers is `@id("…")` or a comment `// …`"#,
    );
    let second =
        "permit (principal, action, resource);\n@ID(\"x\") forbid (principal, action, resource);";
    assert!(
        check(second)
            .unwrap_err()
            .contains("line 2: annotation `@ID`")
    );
}

#[test]
fn templates_are_refused() {
    refused(
        "permit (principal == ?principal, action, resource);",
        r#"
policy `atlas`, line 1: a policy template is not a policy
  |
1 | permit (principal == ?principal, action, resource);
  |                      ^
  = write a name in place of `?principal` or `?resource`"#,
    );
}

#[test]
fn a_text_with_nothing_in_it_is_refused() {
    for nothing in ["", " \n", "// permit (principal, action, resource);"] {
        refused(
            nothing,
            "policy `atlas`: there is no policy in the text\n  = write `permit (…);` or `forbid (…);`",
        );
    }
}

#[test]
fn what_can_never_apply_is_refused() {
    for never in [
        "forbid (principal, action, resource) when { false };",
        "forbid (principal, action, resource) when { context has \"pupose\" };",
        "forbid (principal == Secret::\"x\", action, resource);",
    ] {
        assert!(check(never).is_err(), "{never}");
    }
}

#[test]
fn hidden_characters_are_refused_and_not_shown() {
    refused(
        "permit (principal, action, resource); // \u{202e}nothing",
        r#"
policy `atlas`, line 1: the invisible character \u{202e} is not allowed
  |
1 | permit (principal, action, resource); // �nothing
  |                                          ^
  = it can make the text read differently from what it says; remove it"#,
    );
    assert!(check("// only this line:\rpermit (principal, action, resource);").is_err());
    let escaped =
        check("permit (principal, action, resource) when { context.asked == \"\\u{202e}\" };");
    assert!(!escaped.unwrap_err().contains('\u{202e}'));
}

#[test]
fn a_purpose_may_be_in_any_language() {
    check("permit (principal, action, resource) when { context has purpose && context.purpose like \"релиз web*\" };")
        .unwrap();
}

/// Cedar's validator lets pass what is too deep for the stack, so the deepest text that is
/// let in must still be refused for what is wrong at its bottom.
#[test]
fn the_deepest_text_is_still_checked() {
    let nested = MAX_NESTING - 1;
    for (open, wrong, close, times) in [
        ("(", "context.nothing", ")", nested),
        ("[", "context.nothing", "]", nested),
        ("{a:", "context.nothing", "}", nested),
        ("true && (", "context.nothing", ")", nested),
        ("if true then ", "context.nothing", " else true", 190),
        ("if ", "context.nothing", " then true else true", 190),
        ("true && ", "context.nothing", "", 320),
        ("", "context.nothing", " && true", 320),
        ("1 + ", "context.nothing", "", 490),
        ("", "context.nothing", " + 1", 490),
        ("", "context.nothing", ".a", 490),
        ("", "context.nothing", "[\"a\"]", nested * 10),
        ("", "context.nothing", ".contains(1)", 190),
    ] {
        let text = format!(
            "permit (principal, action, resource) when {{ {}{wrong}{} }};",
            open.repeat(times),
            close.repeat(times)
        );
        // As in the agent, whose threads have 2 MiB.
        let report = std::thread::spawn(move || check(&text).unwrap_err())
            .join()
            .unwrap();
        assert!(
            report.contains("attribute `nothing` in context"),
            "{open}…{close}: {report}"
        );
    }
}

#[test]
fn a_text_that_is_too_deep_is_refused() {
    for (open, close, times) in [
        ("(", ")", 30),
        ("(", ")", 30_000),
        ("!", "", 2_000),
        ("1 + ", "", 15_000),
    ] {
        let text = format!(
            "permit (principal, action, resource) when {{ {}true{} }};",
            open.repeat(times),
            close.repeat(times)
        );
        let report = check(&text).unwrap_err();
        assert!(report.contains("at most"), "{report}");
    }
}

const PIECES: &[&str] = &[
    "permit",
    "forbid",
    "(principal, action, resource)",
    "principal",
    "action",
    "resource",
    "when",
    "unless",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "@",
    "@id(\"x\")",
    "@limit(\"1 per hour\")",
    "@notify(",
    "?principal",
    "context",
    "purpose",
    "has",
    "like",
    "in",
    "is",
    "==",
    "Service::\"a\"",
    "Action::\"sign\"",
    "ip(\"1.2.3.4\")",
    "datetime(\"x\")",
    "\"",
    "\\",
    "//",
    "\n",
    "if",
    "then",
    "else",
    "1",
    "-",
    "!",
    "&&",
    "ü",
    "\u{202e}",
];

proptest! {
    #[test]
    fn no_text_is_too_odd(text in any::<String>()) {
        let _ = check(&text);
    }

    #[test]
    fn no_heap_of_pieces_is_too_odd(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40), gap in " ?") {
        if let Ok(policy) = check(&pieces.join(&gap)) {
            let _ = (policy.summary(), Policies::new([policy]));
        }
    }
}
