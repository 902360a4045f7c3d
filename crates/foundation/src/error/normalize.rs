//! Errors of other types, and texts, as errors of ours.
//!
//! For whoever has an error in hand and does not know where it comes from. Code that does know says
//! what it means: only it can tell whether trying again may help.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::error::Error as StdError;

use super::convert::known;
use super::{Category, Error};

/// The code of a text.
const GENERIC: &str = "generic_error";

impl Error {
    /// Makes an error of ours of any error.
    ///
    /// | given | code and category |
    /// |---|---|
    /// | an [`Error`], or one that has an [`Error`] among its causes | those of that error, which is what this gives |
    /// | [`std::io::Error`] | `io_error`; infrastructure if it is about a connection or a deadline, validation if about what was given, else system |
    /// | what cannot be parsed or converted: numbers, text, JSON, times, ids, addresses | from its type, `parse_int_error`; validation |
    /// | a deadline of tokio that has passed | `timeout`; infrastructure |
    /// | anything else | from its type; system |
    ///
    /// Where the error becomes a cause its own message is not repeated.
    ///
    /// ```
    /// use foundation::{Category, Error};
    ///
    /// let error = Error::normalize("x".parse::<u8>().unwrap_err());
    /// assert_eq!((error.code(), error.category()), ("parse_int_error", Category::Validation));
    /// let error = Error::normalize(std::io::Error::other(Error::business("closed_today")));
    /// assert_eq!((error.code(), error.category()), ("closed_today", Category::Business));
    /// ```
    #[must_use]
    pub fn normalize<E: StdError + Send + Sync + 'static>(error: E) -> Self {
        match before(error) {
            Before::Translated(ours) => ours,
            Before::Elsewhere(reading) => Self::normalize(reading),
            Before::Not(error) => {
                let (code, category) = judge(&error);
                Self::new(code, category).with_source(error)
            }
        }
    }

    /// Makes an error of a text that says what went wrong: `generic_error`, a system error, because
    /// nothing is known that anybody could act on.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self::system(GENERIC).with_message(text)
    }
}

/// What an error was before it came here.
pub(super) enum Before<E> {
    /// One of ours, or caused by one.
    Translated(Error),
    /// What a reader said to a parser of JSON.
    Elsewhere(std::io::Error),
    /// Nothing else.
    Not(E),
}

/// What `error` was before.
pub(super) fn before<E: StdError + 'static>(error: E) -> Before<E> {
    if let Some(ours) = find(&error) {
        return Before::Translated(ours);
    }
    match reading(error) {
        Ok(reading) => match find(&reading) {
            Some(ours) => Before::Translated(ours),
            None => Before::Elsewhere(reading),
        },
        Err(error) => Before::Not(error),
    }
}

/// What a reader said to a parser of JSON, which gives it to nobody but whoever has the error; or
/// the error, if it is none of that.
fn reading<E: StdError + 'static>(error: E) -> Result<std::io::Error, E> {
    let is_reading = |any: &dyn Any| any.downcast_ref().is_some_and(serde_json::Error::is_io);
    if !is_reading(&error) {
        return Err(error);
    }
    let any: Box<dyn Any> = Box::new(error);
    match any.downcast::<serde_json::Error>() {
        Ok(json) => Ok((*json).into()),
        // It is one, as was seen just now.
        Err(any) => Ok(std::io::Error::other(format!("{any:?}"))),
    }
}

/// The first error of ours among `error` and its causes.
fn find(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut error = Some(error);
    while let Some(any) = error {
        if let Some(ours) = any.downcast_ref::<Error>() {
            return Some(ours.clone());
        }
        error = cause(any);
    }
    None
}

/// What caused `error`. What an I/O error holds is not among its causes in the sense of the trait.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

/// Code and category of an error that is none of ours.
fn judge<E: StdError + 'static>(error: &E) -> (Cow<'static, str>, Category) {
    let of_type = || Cow::Owned(code_of(type_name::<E>()));
    match known(error) {
        Some((Some(code), category)) => (code.into(), category),
        Some((None, category)) => (of_type(), category),
        None => (of_type(), Category::System),
    }
}

/// A type's name as a code: `std::num::ParseIntError` gives `parse_int_error`. The name `Error`
/// alone says nothing, so its module or crate is put before it: `serde_json_error`, `fmt_error`.
fn code_of(path: &str) -> String {
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    let mut words = path.split("::").filter(|word| *word != "error").collect::<Vec<_>>();
    let name = words.pop().unwrap_or(path);
    let mut code = String::new();
    if let ("Error", Some(module)) = (name, words.pop()) {
        code.push_str(module);
        code.push('_');
    }
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            code.push('_');
        }
        code.extend(letter.to_lowercase());
        before = letter;
    }
    code
}
