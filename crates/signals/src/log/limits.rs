//! How large parts may be, for every log: what a bus keeps in one log fits into another.

use foundation::{Error, Result};

use super::port::PartChange;
use crate::codes;
use crate::error::shortened;

/// How long the key of a part may be, in bytes.
pub const MAX_PART_KEY: usize = 128;
/// How long the name of an owner of parts may be, in bytes: as long as that of a subscription.
pub const MAX_PART_OWNER: usize = 255;
/// How many parts may be changed at a time.
pub const MAX_PART_CHANGES: usize = 1024;
/// How many bytes the parts that are changed at a time may have, keys and all: a log may hold all
/// of them in memory, and write them as one record.
pub const MAX_PART_BYTES: usize = 1 << 20;

/// Whether parts can be stored so. For logs.
///
/// # Errors
///
/// `invalid_part`: the owner or a key is empty or too long, or there is too much.
pub fn check_parts(owner: &str, changes: &[PartChange]) -> Result<()> {
    let invalid = |problem: &str| {
        let error = Error::from(codes::INVALID_PART).with_message(problem);
        Err(error.with_detail("owner", shortened(owner)))
    };
    if owner.is_empty() || owner.len() > MAX_PART_OWNER {
        return invalid("an owner has 1 to 255 bytes");
    }
    if changes.len() > MAX_PART_CHANGES {
        return invalid("at most 1024 parts are changed at a time");
    }
    let key_fits = |change: &PartChange| (1..=MAX_PART_KEY).contains(&change.key.len());
    if let Some(change) = changes.iter().find(|change| !key_fits(change)) {
        let error = invalid("a key has 1 to 128 bytes");
        return error.map_err(|error: Error| error.with_detail("key", shortened(&change.key)));
    }
    let bytes = |change: &PartChange| change.key.len() + change.value.as_ref().map_or(0, Vec::len);
    if changes.iter().map(bytes).sum::<usize>() > MAX_PART_BYTES {
        return invalid("parts that are changed at a time have at most 1 MiB");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
