use super::*;

fn check(more: &str) -> Result<(), String> {
    let text = format!("name = 'a'\nfrom = 'Strongroom <s@example.com>'\n{more}");
    let settings: Settings = toml::from_str(&text).map_err(|error| error.to_string())?;
    settings.check().map_err(|error| format!("{error:#}"))
}

#[test]
fn settings_that_can_be_meant_are_taken() {
    for text in [
        "host = 'mail.example.com'\nto = ['ops@example.com']",
        "host = 'mail.example.com'\nto = ['Ops <ops@example.com>', 'b@example.com']\ntls = 'starttls'\ncacert = 'ca.pem'",
        "host = '192.0.2.1'\nport = 2525\nto = ['a@example.com']\ncredential = 'mail/login'",
        "host = '127.0.0.1'\nto = ['a@example.com']\ntls = 'none'",
        "host = '::1'\nto = ['a@example.com']\ntls = 'none'",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn nothing_goes_unencrypted_or_to_nobody() {
    let to = "to = ['a@example.com']";
    for (text, why) in [
        ("host = 'mail.example.com'\nto = []", "1 to 50"),
        (
            "host = 'mail.example.com'\nto = ['nobody']",
            "not an address",
        ),
        (
            "host = 'mail.example.com'\nto = ['a@exam\\nple.com']",
            "not an address",
        ),
        (
            "host = 'mail.example.com'\nto = ['ä@example.com']",
            "not an address",
        ),
        (
            "host = 'mail.example.com'\nto = [\"\\\"a\\r\\nRCPT\\\"@example.com\"]",
            "not an address",
        ),
        (
            &format!("host = 'mail.example.com'\n{to}\ntls = 'none'"),
            "on this machine only",
        ),
        (
            &format!("host = 'localhost'\n{to}\ntls = 'none'"),
            "on this machine only",
        ),
        (
            &format!("host = 'mail.example.com'\n{to}\ntls = 'maybe'"),
            "maybe",
        ),
        (&format!("host = 'mail example'\n{to}"), "`host` is a name"),
        (&format!("host = 'a@b'\n{to}"), "`host` is a name"),
        (
            &format!("host = 'mail.example.com'\n{to}\ncredential = 'm'\ncacert = 'c'"),
            "leave `cacert` out",
        ),
        (
            &format!("host = '127.0.0.1'\n{to}\ntls = 'none'\ncacert = 'c'"),
            "leave `cacert` out",
        ),
    ] {
        let refused = check(text).expect_err(text);
        assert!(refused.contains(why), "{text}: {refused}");
    }
}
