//! What is answered to who asks for a token.

use strongroom::operation::token::{gcp::IdToken, github_app::Answer, grant::Granted};

use super::{assert_harmless, first_line};

/// `oauth2`, `github-app` or `gcp` on a line, then a successful answer.
pub fn token_answer(data: &[u8]) -> bool {
    match first_line(data) {
        Some(("oauth2", answer)) => oauth2(answer),
        Some(("github-app", answer)) => Answer::read(answer).is_some_and(|answer| {
            let (permissions, repositories) = answer.reach();
            let _ = (permissions.len(), repositories.len(), answer.expires_at());
            true
        }),
        Some(("gcp", answer)) => IdToken::read(answer).is_some_and(|token| {
            let _ = token.claims();
            true
        }),
        _ => false,
    }
}

fn oauth2(answer: &[u8]) -> bool {
    let granted = match Granted::read(answer) {
        Ok(granted) => granted,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    assert_eq!(format!("{granted:?}"), "Granted([secret])");
    let written = granted.to_json().unwrap();
    let again = Granted::read(&written).unwrap();
    assert_eq!(again.to_json().unwrap(), written);
    assert_eq!(again.expires_in(), granted.expires_in());
    assert_eq!(again.scopes(), granted.scopes());
    for scope in granted.scopes().unwrap_or_default() {
        assert!(!scope.is_empty());
        assert_harmless(scope, false);
    }
    true
}
