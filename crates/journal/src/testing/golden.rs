//! Golden files of a user's schemas: what earlier releases wrote, and what it has to become.
//!
//! - **A file is written once and never changed:** it is what a release really wrote. A new schema
//!   adds files, so that no review has to find out whether an old one was bent to fit.
//! - **Every step is tested**, or the check fails: a version without a file is an error.

use std::collections::BTreeMap;
use std::path::Path;

use foundation::codes::{INVALID_OPTIONS, STORE_ERROR};
use foundation::{Error, Result};

use crate::append::Payload;
use crate::codes;
use crate::upcast::Upcasts;

/// How the names of golden files end.
const ENDING: &str = ".bin";

/// Checks that the payloads in `folder` become what they have to be, and gives how many there are.
///
/// The folder has a file `NAME.vN.bin` for each version `N` of each sample `NAME`, with its bytes
/// as that version writes them. Upcast from any of them, a sample has to be what its file of the
/// newest version says. A sample need not begin with the oldest version, and has a file of every
/// one after the one that it begins with, so that a step that is wrong is found where it is. All
/// samples together begin with the oldest version that is read, whose payloads are still there.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # std::fs::write(folder.path().join("savings.v1.bin"), "10")?;
/// # std::fs::write(folder.path().join("savings.v2.bin"), "10 EUR")?;
/// use journal::Upcasts;
/// use journal::testing::check_golden;
///
/// let balances = Upcasts::builder("balance", 2)
///     .step(1, |bytes| Ok([&bytes, b" EUR".as_slice()].concat()))
///     .build()?;
/// // savings.v1.bin has `10`, savings.v2.bin has `10 EUR`.
/// assert_eq!(check_golden(folder.path(), &balances)?, 2);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Each has the `file` in its details. `upcast_failed` when a payload becomes something else than
/// the file of the newest version, and as [`Upcasts::upcast`]; `invalid_options` when a file is
/// missing or has a name that says no version; `store_error` when the folder is not there or cannot
/// be read.
pub fn check_golden(folder: &Path, upcasts: &Upcasts) -> Result<usize> {
    let samples = read(folder)?;
    let (oldest, newest) = (upcasts.oldest(), upcasts.newest());
    let begins = samples.values().filter_map(|files| files.keys().next()).min();
    if begins.is_none_or(|first| *first > oldest) {
        let message = format!("no sample of schema {oldest}: a file NAME.v{oldest}{ENDING}");
        return Err(wrong_file(folder, &message));
    }
    let mut checked = 0;
    for (name, files) in &samples {
        let file_of = |schema| folder.join(file_name(name, schema));
        let first = *files.keys().next().unwrap_or(&newest);
        if let Some(missing) = (first..=newest).find(|schema| !files.contains_key(schema)) {
            return Err(wrong_file(&file_of(missing), "is missing"));
        }
        // The last first: when a step is wrong, only what is before it fails.
        for (schema, bytes) in files.iter().rev() {
            let done = upcasts.upcast(Payload::new(*schema, bytes.clone())).map_err(|error| {
                error.with_detail("file", file_of(*schema).display().to_string())
            })?;
            let expected = files.get(&newest).map(Vec::as_slice).unwrap_or_default();
            if done.bytes() != expected {
                return Err(differs(&file_of(*schema), done.bytes(), expected, newest));
            }
            checked += 1;
        }
    }
    Ok(checked)
}

fn file_name(name: &str, schema: u16) -> String {
    format!("{name}.v{schema}{ENDING}")
}

/// The bytes of each version of each sample.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, golden files are read by tests")]
fn read(folder: &Path) -> Result<BTreeMap<String, BTreeMap<u16, Vec<u8>>>> {
    let failed = |path: &Path, error: std::io::Error| {
        let path = path.display().to_string();
        let message = format!("{path} cannot be read");
        let error = Error::from(STORE_ERROR).with_message(message).with_source(error);
        error.with_detail("file", path)
    };
    let mut samples = BTreeMap::<_, BTreeMap<_, _>>::new();
    for found in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = found.map_err(|error| failed(folder, error))?.path();
        let named = path.file_name().and_then(|name| name.to_str()).and_then(parts_of);
        let Some((name, schema)) = named else {
            return Err(wrong_file(&path, "is not named NAME.vN.bin"));
        };
        let bytes = std::fs::read(&path).map_err(|error| failed(&path, error))?;
        samples.entry(name.to_owned()).or_default().insert(schema, bytes);
    }
    Ok(samples)
}

/// Name and version of a file name; none if it is written in another way, such as `v01`.
fn parts_of(file: &str) -> Option<(&str, u16)> {
    let (name, schema) = file.strip_suffix(ENDING)?.rsplit_once(".v")?;
    let schema = schema.parse().ok()?;
    (file_name(name, schema) == file).then_some((name, schema))
}

fn wrong_file(path: &Path, what: &str) -> Error {
    let path = path.display().to_string();
    let error = Error::from(INVALID_OPTIONS).with_message(format!("{path}: {what}"));
    error.with_detail("field", "folder").with_detail("file", path)
}

fn differs(path: &Path, done: &[u8], expected: &[u8], newest: u16) -> Error {
    let path = path.display().to_string();
    let at = done.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let around = |bytes: &[u8]| {
        let rest = bytes.get(at..).unwrap_or_default();
        rest.get(..16).unwrap_or(rest).escape_ascii().to_string()
    };
    let (found, wanted) = (around(done), around(expected));
    let message = format!(
        "{path} becomes something else than its schema {newest}: from byte {at} on \"{found}\" in \
         place of \"{wanted}\""
    );
    Error::from(codes::UPCAST_FAILED).with_message(message).with_detail("file", path)
}

#[cfg(test)]
mod tests;
