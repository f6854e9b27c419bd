//! What a token endpoint answers.

use strongroom::operation::token::grant::Granted;

use super::assert_harmless;

/// A successful answer of RFC 6749.
pub fn token_answer(data: &[u8]) -> bool {
    let granted = match Granted::read(data) {
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
