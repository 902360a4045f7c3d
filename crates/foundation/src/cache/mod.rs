//! Caches: what was loaded once is kept for a while.
//!
//! - **Bounded**: when it is full, the entry that was used longest ago gives way. Used is what was
//!   read or written.
//! - **Loaded once**: those who want a value that is being loaded wait for that, and share what it
//!   comes to. The load runs in the first of them; if that one gives up or panics, another begins.
//! - **Stale rather than nothing**: when a load fails for reasons of infrastructure, a value that
//!   has expired not too long ago is given instead.
//! - **Whoever writes wins**: what is inserted or removed while it is being loaded stays so.
//!
//! Errors are not kept: the next one who wants the value loads it again.

mod handle;
mod load;
mod options;
mod state;

pub use handle::{Cache, CacheStats};
pub use options::CacheOptions;

#[cfg(test)]
mod tests;
