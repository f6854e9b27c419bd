//! Fields that are texts, lists of texts, objects of texts and whole numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{BadInput, Fields};

impl Fields {
    /// A text that has to be there.
    pub(in crate::operation) fn required_text(
        &mut self,
        field: &'static str,
    ) -> Result<String, BadInput> {
        self.string(field)?.ok_or_else(|| self.missing(&[field]))
    }

    /// A whole number from `least` on, if the field is there.
    pub(in crate::operation) fn whole_number(
        &mut self,
        field: &'static str,
        least: u32,
        expected: &'static str,
    ) -> Result<Option<u32>, BadInput> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        match value.as_u64().map(u32::try_from) {
            Some(Ok(number)) if number >= least => Ok(Some(number)),
            _ => Err(BadInput::Form { field, expected }),
        }
    }

    /// A list of texts, each of them once, if the field is there.
    pub(in crate::operation) fn set_of_texts(
        &mut self,
        field: &'static str,
    ) -> Result<Option<BTreeSet<String>>, BadInput> {
        let wrong = || BadInput::Form {
            field,
            expected: "a list of strings, each of them once",
        };
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let Value::Array(values) = value else {
            return Err(wrong());
        };
        let mut texts = BTreeSet::new();
        for value in values {
            match value {
                Value::String(text) if texts.insert(text.clone()) => {}
                _ => return Err(wrong()),
            }
        }
        Ok(Some(texts))
    }

    /// An object whose members are texts, if the field is there.
    pub(in crate::operation) fn map_of_texts(
        &mut self,
        field: &'static str,
    ) -> Result<Option<BTreeMap<String, String>>, BadInput> {
        let wrong = || BadInput::Form {
            field,
            expected: "an object of strings",
        };
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let Value::Object(members) = value else {
            return Err(wrong());
        };
        let members = members.into_iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(wrong()),
        });
        members.collect::<Result<_, _>>().map(Some)
    }
}
