//! Callbacks of a user that must not take others down.

use crate::actor::catch;
use crate::error::{Error, Result, codes};
use crate::exit::Panic;

/// Runs `callback`, and makes an error of a panic in it: for synchronous callbacks of a user that
/// must not take others down, such as one of many conditions that are asked in turn.
///
/// What such a callback has left half done is still there afterwards, so one that changes what it
/// shares with others should do so in one step. Something that lasts belongs into a
/// [task](crate::Task) or an [actor](crate::Actor), where a supervisor learns of its end.
///
/// ```
/// let error = foundation::contain(|| panic!("no such column")).unwrap_err();
/// assert_eq!((error.code(), error.message()), ("callback_panicked", "no such column"));
/// assert_eq!(foundation::contain(|| 42)?, 42);
/// # Ok::<_, foundation::Error>(())
/// ```
///
/// # Errors
///
/// `callback_panicked`, with the `message` of the panic, and its `location` once there was a
/// [system](crate::System) in this process.
pub fn contain<T>(callback: impl FnOnce() -> T) -> Result<T> {
    catch(callback).map_err(|Panic { message, location }| {
        Error::from(codes::CALLBACK_PANICKED)
            .with_message(&*message)
            .with_detail("message", &*message)
            .with_detail("location", location.as_deref())
    })
}

#[cfg(test)]
mod tests {
    //! A panic becomes an error, whatever it throws.

    use std::panic::panic_any;

    use super::contain;
    use crate::panic_hook;

    /// Panics again when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }

    #[test]
    fn what_does_not_panic_gives_its_value() {
        assert_eq!(contain(|| "fine").unwrap(), "fine");
    }

    #[test]
    fn a_panic_becomes_an_error_that_says_what_and_where() {
        panic_hook::install();
        let error = contain(|| panic!("{} is not there", "it")).unwrap_err();
        assert_eq!((error.code(), error.message()), ("callback_panicked", "it is not there"));
        assert_eq!(error.details()["message"], "it is not there");
        let location = error.details()["location"].as_str().unwrap();
        assert!(location.contains("contain.rs:"), "{location}");
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_contained_too() {
        let error = contain(|| panic_any(Bomb)).unwrap_err();
        assert_eq!(error.message(), "a payload that is no text");
    }
}
