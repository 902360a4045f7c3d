//! What is told through `tracing`, written down for verification.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Event, Metadata, Subscriber};

/// Writes down every event of this thread as long as it lives, as `LEVEL message key=value …`.
///
/// ```
/// let telemetry = testkit::Telemetry::listen();
/// tracing::error!(child = "a", "supervisor.child_ended");
/// assert_eq!(telemetry.about("supervisor."), ["ERROR supervisor.child_ended child=a"]);
/// ```
#[derive(Debug)]
#[must_use = "it listens as long as it lives"]
pub struct Telemetry {
    events: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
    /// Hears nothing. While there is one listener only, `tracing` decides whether anybody wants an
    /// event by asking whichever thread comes to it first, which may be that of another test.
    _second: Dispatch,
}

struct Writer(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Telemetry {
    /// Begins to listen.
    pub fn listen() -> Self {
        let events = Arc::default();
        // Before the one that listens: with that all decisions are made anew.
        let second = Dispatch::new(Writer(Arc::default()));
        let listening = set_default(Writer(Arc::clone(&events)));
        Self { events, _listening: listening, _second: second }
    }

    /// The events so far in whose name `text` occurs.
    #[must_use]
    pub fn about(&self, text: &str) -> Vec<String> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().filter(|event| event.contains(text)).cloned().collect()
    }
}

impl Subscriber for Writer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{} {}{}", event.metadata().level(), line.message, line.fields);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}
