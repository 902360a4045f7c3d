//! Where a panic happened: known to the panic hook, and nowhere else.
//!
//! The hook is installed once in a process, by the first system, and calls the one that was there
//! before. It leaves the location in a cell of the panicking thread, where whoever catches the
//! panic on the same thread picks it up. These two are the only state that systems share.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Once};

use crate::exit::Panic;

static INSTALLED: Once = Once::new();

thread_local! {
    static LOCATION: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Installs the hook, unless a system has done so before.
#[expect(clippy::disallowed_methods, reason = "ban: panic-hook, the one that is installed")]
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let location = info.location().map(|location| Arc::from(location.to_string()));
            // A panic while the thread ends finds no cell any more; nobody will look for it.
            let _ = LOCATION.try_with(|cell| cell.replace(location));
            before(info);
        }));
    });
}

/// What is known about the panic whose `payload` was caught on this thread.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> Panic {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let location = LOCATION.try_with(RefCell::take).ok().flatten();
    Panic { message: text.unwrap_or("a payload that is no text").into(), location }
}
