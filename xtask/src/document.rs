//! A TOML file together with the lines its keys stand on.

use std::borrow::Cow;

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::tree::Source;

/// A parsed TOML file.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    source: &'a Source,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Parses `source`.
    ///
    /// # Errors
    ///
    /// In one line that begins with file and line, when it is not TOML.
    pub(crate) fn parse(source: &'a Source) -> Result<Self> {
        let root = DeTable::parse(&source.text).map_err(|error| located(source, &error))?;
        Ok(Self { source, root: root.into_inner() })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &'a str {
        &self.source.path
    }

    /// The value at `keys`, each a key of a table or the index of an array.
    pub(crate) fn value(&self, keys: &[&str]) -> Option<&DeValue<'a>> {
        Some(self.walk(keys)?.1)
    }

    /// The line of the last of `keys`.
    pub(crate) fn line(&self, keys: &[&str]) -> Option<usize> {
        let (offset, _) = self.walk(keys)?;
        Some(line_at(&self.source.text, offset))
    }

    /// The keys of the table at `keys`; none where there is no table.
    pub(crate) fn keys(&self, keys: &[&str]) -> Vec<&str> {
        let table = if keys.is_empty() {
            Some(&self.root)
        } else {
            self.value(keys).and_then(DeValue::as_table)
        };
        table.into_iter().flat_map(DeTable::keys).map(|key| key.get_ref().as_ref()).collect()
    }

    /// Where the last of `keys` begins, and its value.
    fn walk(&self, keys: &[&str]) -> Option<(usize, &DeValue<'a>)> {
        let (first, rest) = keys.split_first()?;
        let (mut key, mut value) = self.root.get_key_value(*first)?;
        let mut offset = key.span().start;
        for step in rest {
            match value.get_ref() {
                DeValue::Table(table) => {
                    (key, value) = table.get_key_value(*step)?;
                    offset = key.span().start;
                }
                DeValue::Array(array) => {
                    value = array.get(step.parse::<usize>().ok()?)?;
                    offset = value.span().start;
                }
                _ => return None,
            }
        }
        Some((offset, value.get_ref()))
    }
}

/// Reads the whole of `source` as a `T`.
///
/// # Errors
///
/// In one line that begins with file and line, when it is not TOML or not a `T`.
pub(crate) fn read<T: DeserializeOwned>(source: &Source) -> Result<T> {
    toml::from_str(&source.text).map_err(|error| located(source, &error))
}

/// The line, counted from 1, of the byte at `offset`.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn located(source: &Source, error: &toml::de::Error) -> anyhow::Error {
    let line = line_at(&source.text, error.span().map_or(0, |span| span.start));
    let message: Cow<'_, str> = error.message().replace('\n', "; ").into();
    anyhow!("{}:{line}: {message}", source.path)
}
