//! Structured fields (RFC 9651) that are made here: all of them are ASCII by construction.

use http::HeaderValue;
use jiff::Timestamp;
use sfv::{BareItem, InnerList, Integer, Item, Key, KeyRef};

/// A string.
pub(crate) fn text(value: &str) -> BareItem {
    #[expect(
        clippy::expect_used,
        reason = "names, thumbprints and base64 are ASCII"
    )]
    let value = sfv::String::from_string(value.to_owned()).expect("ASCII is a string");
    BareItem::String(value)
}

/// A time in seconds since 1970; an integer of structured fields holds more than any clock shows.
pub(crate) fn seconds(time: Timestamp) -> BareItem {
    BareItem::Integer(Integer::try_from(time.as_second()).unwrap_or(Integer::ZERO))
}

/// A key of a dictionary or a parameter.
pub(crate) fn key(name: &'static str) -> Key {
    KeyRef::constant(name).to_owned()
}

/// A list of components with its parameters, in this order.
pub(crate) fn components<const N: usize>(
    items: Vec<Item>,
    parameters: [(&'static str, BareItem); N],
) -> InnerList {
    let mut list = InnerList::new(items);
    list.params
        .extend(parameters.map(|(name, value)| (key(name), value)));
    list
}

/// The field itself.
pub(crate) fn line(value: String) -> HeaderValue {
    #[expect(
        clippy::expect_used,
        reason = "a structured field has no control characters"
    )]
    HeaderValue::try_from(value).expect("a structured field is a header value")
}
