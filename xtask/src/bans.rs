//! The ban list: what `.clippy.toml` forbids, under which name.
//!
//! Clippy finds a ban's use; this module finds what clippy cannot: a ban without a name, a use that
//! was excused where the policy does not permit it, a canary that is missing.

use anyhow::Result;

use crate::document::Document;
use crate::tree::{Source, Tree};

/// Clippy's configuration, the only one.
pub(crate) const FILE: &str = ".clippy.toml";
/// The lists of that file which ban something.
const LISTS: [&str; 2] = ["disallowed-methods", "await-holding-invalid-types"];
/// How a ban's reason begins: this, its name, and what to do instead.
const PREFIX: &str = "ban: ";

/// One banned path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ban {
    /// What is banned, as clippy resolves it.
    pub(crate) path: String,
    /// The name an exception has to give; several paths share one.
    pub(crate) name: String,
    /// Why, and what to use instead.
    pub(crate) instead: String,
    /// Where it stands in `.clippy.toml`.
    pub(crate) line: usize,
}

/// The bans of `.clippy.toml`. One without a name has an empty one.
///
/// # Errors
///
/// When the file is missing or is not TOML.
pub(crate) fn read(tree: &Tree) -> Result<Vec<Ban>> {
    parse(tree.source(FILE)?)
}

fn parse(source: &Source) -> Result<Vec<Ban>> {
    let document = Document::parse(source)?;
    let mut bans = Vec::new();
    for list in LISTS {
        let entries = document.value(&[list]).and_then(|value| value.as_array());
        for index in 0..entries.map_or(0, |entries| entries.len()) {
            let index = index.to_string();
            let text = |key: &str| {
                let value = document.value(&[list, &index, key]);
                value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
            };
            let reason = text("reason");
            let (name, instead) = named(&reason);
            bans.push(Ban {
                path: text("path"),
                name: name.to_owned(),
                instead: instead.to_owned(),
                line: document.line(&[list, &index]).unwrap_or(1),
            });
        }
    }
    Ok(bans)
}

/// The two parts of a ban's reason, `ban: NAME; what to use instead`.
fn named(reason: &str) -> (&str, &str) {
    let parts = reason.strip_prefix(PREFIX).and_then(|rest| rest.split_once(';'));
    parts.map_or(("", ""), |(name, instead)| (name.trim(), instead.trim()))
}

/// The names in an exception's reason, `ban: NAME, NAME, why`: those at its beginning that `bans`
/// knows. What follows them is the why.
pub(crate) fn excused<'a>(reason: &'a str, bans: &[Ban]) -> Vec<&'a str> {
    let words = reason.strip_prefix(PREFIX).unwrap_or_default().split(',').map(str::trim);
    words.take_while(|word| bans.iter().any(|ban| ban.name == *word)).collect()
}

#[cfg(test)]
mod tests;
