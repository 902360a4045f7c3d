//! What a function says when it panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `run`, which is to panic, and gives what it said.
///
/// ```
/// assert_eq!(testkit::panics(|| panic!("no {}", "way")), "no way");
/// ```
///
/// # Panics
///
/// When `run` does not.
#[expect(clippy::disallowed_methods, reason = "ban: catch_unwind, the panic is what is tested")]
pub fn panics<T>(run: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("no panic"),
        Err(payload) => text(&*payload),
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
