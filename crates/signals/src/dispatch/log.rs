//! The log as a destination: an event that whoever listens can read.

use crate::bus::Outcome;
use crate::signal::{Data, Signal};

/// How much of the data is written, in bytes: enough to tell what it is, and what collectors take
/// in one line.
const SHOWN: usize = 1024;

/// How a signal is written to the log: as an event `signals.signal` with its `id`, `type`, `source`
/// and, where it has one, `subject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct LogOptions {
    level: LogLevel,
    with_data: bool,
}

/// How loudly a signal is written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// For whoever wants to know what goes on.
    Info,
    /// For whoever may have to do something.
    Warn,
    /// For whoever has to do something.
    Error,
}

impl LogOptions {
    /// At that level, without the data.
    pub const fn new(level: LogLevel) -> Self {
        Self { level, with_data: false }
    }

    /// With the first 1,024 bytes of the data; of binary data only how much there is. Data may be
    /// private, and logs seldom are.
    pub const fn with_data(mut self) -> Self {
        self.with_data = true;
        self
    }

    pub(super) fn write(self, signal: &Signal) -> Outcome {
        let (id, kind, source) = (signal.id(), signal.topic(), signal.source());
        let data = self.with_data.then(|| shown(signal.data()));
        let (subject, data) = (signal.subject(), data.as_deref());
        // The level of an event is part of where it stands in the code.
        match self.level {
            LogLevel::Debug => {
                tracing::debug!(%id, topic = %kind, %source, subject, data, "signals.signal");
            }
            LogLevel::Info => {
                tracing::info!(%id, topic = %kind, %source, subject, data, "signals.signal");
            }
            LogLevel::Warn => {
                tracing::warn!(%id, topic = %kind, %source, subject, data, "signals.signal");
            }
            LogLevel::Error => {
                tracing::error!(%id, topic = %kind, %source, subject, data, "signals.signal");
            }
        }
        Outcome::Accepted
    }
}

impl From<LogLevel> for LogOptions {
    fn from(level: LogLevel) -> Self {
        Self::new(level)
    }
}

/// The beginning of the data, to show it: in one line, so that no data looks like another one.
fn shown(data: &Data) -> String {
    let mut text = match data {
        Data::None => return String::new(),
        Data::Json(value) => value.to_string(),
        Data::Text(text) => text.replace(char::is_control, " "),
        Data::Binary(bytes) => return format!("{} bytes", bytes.len()),
    };
    if text.len() > SHOWN {
        let size = text.len();
        text.truncate(text.floor_char_boundary(SHOWN));
        text += "… (";
        text += &size.to_string();
        text += " bytes)";
    }
    text
}
