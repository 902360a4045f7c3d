//! Types of Rust that are the data of one type of signal.

use std::borrow::Cow;

use foundation::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Draft, Rest, Signal};
use crate::codes;
use crate::error::{invalid, shortened};

/// A type whose values are the data of one type of signal, as JSON.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Error, Result, System};
/// use serde::{Deserialize, Serialize};
/// use signals::{Extensions, Signal, SignalData};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Shipped {
///     order: u64,
///     parcels: u32,
/// }
///
/// impl SignalData for Shipped {
///     const TOPIC: &'static str = "order.shipped";
///     const SCHEMA: Option<&'static str> = Some("https://example.com/schemas/shipped/1");
///     const EXTENSIONS: &'static Extensions = &Extensions { required: &["tenant"], ..Extensions::ANY };
///
///     fn check(&self) -> Result<()> {
///         match self.parcels {
///             0 => Err(Error::validation("no_parcels")),
///             _ => Ok(()),
///         }
///     }
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let shipped = Shipped { order: 7, parcels: 2 };
/// let signal = Signal::of(&shipped, "/shop").extension("tenant", "acme").stamp(&system)?;
/// assert_eq!(signal.topic().as_str(), "order.shipped");
/// assert_eq!(signal.read_as::<Shipped>()?.parcels, 2);
///
/// let without = Signal::of(&shipped, "/shop").stamp(&system).unwrap_err();
/// assert_eq!(without.details()["attribute"], "tenant");
/// let wrong = Signal::of(&Shipped { order: 7, parcels: 0 }, "/shop").stamp(&system).unwrap_err();
/// assert_eq!(wrong.code(), "no_parcels");
/// let other = Signal::new("order.lost", "/shop").stamp(&system)?;
/// assert_eq!(other.read_as::<Shipped>().unwrap_err().code(), "signal_mismatch");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait SignalData: Serialize + DeserializeOwned {
    /// The type of the signals, for which [`Topic`](crate::Topic) has the rules.
    const TOPIC: &'static str;
    /// The schema that the data keeps to, as a URI: one that differs where the data changes so that
    /// who knows the old one cannot read it.
    const SCHEMA: Option<&'static str> = None;
    /// Which extension attributes the signals must have, and which they must not have.
    const EXTENSIONS: &'static Extensions = &Extensions::ANY;

    /// Whether the value can be, as far as its type does not say so. It is asked of what is sent
    /// and of what is received.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Which extension attributes signals of a type must have, and which they must not have. Others
/// they may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions {
    /// Those that they must have.
    pub required: &'static [&'static str],
    /// Those that they must not have.
    pub forbidden: &'static [&'static str],
}

impl Extensions {
    /// Any, or none.
    pub const ANY: Self = Self { required: &[], forbidden: &[] };

    /// Whether a signal with these has what it must have.
    pub(super) fn check(&self, rest: Option<&Rest>) -> Result<()> {
        let has = |name: &str| rest.is_some_and(|rest| rest.extensions.contains_key(name));
        if let Some(name) = self.required.iter().find(|name| !has(name)) {
            return Err(invalid(name, "signals of this type must have it"));
        }
        if let Some(name) = self.forbidden.iter().find(|name| has(name)) {
            return Err(invalid(name, "signals of this type must not have it"));
        }
        Ok(())
    }
}

impl Signal {
    /// Begins a signal that says a value of a type that [belongs](SignalData) to signals, from a
    /// source. What is wrong with either is told when it is stamped.
    pub fn of<T: SignalData>(value: &T, source: impl Into<Cow<'static, str>>) -> Draft {
        let draft = Self::new(T::TOPIC, source).keeping(T::EXTENSIONS);
        let draft = match T::SCHEMA {
            Some(schema) => draft.schema(schema),
            None => draft,
        };
        match value.check() {
            Ok(()) => draft.serialize(value),
            Err(error) => draft.wrong(error),
        }
    }

    /// What it says, as a value of the type that [belongs](SignalData) to signals of its type.
    ///
    /// # Errors
    ///
    /// `signal_mismatch`, with the `attribute`, when its type or its schema is another one: it is
    /// not for `T`. `invalid_signal` when it is for `T` but an extension that it must have is
    /// missing, one that it must not have is there, or its data is not that of a `T`. And what
    /// [`SignalData::check`] says.
    pub fn read_as<T: SignalData>(&self) -> Result<T> {
        if self.topic().as_str() != T::TOPIC {
            return Err(mismatch("type", T::TOPIC, self.topic().as_str()));
        }
        if let (Some(wanted), Some(found)) = (T::SCHEMA, self.schema())
            && wanted != found
        {
            return Err(mismatch("dataschema", wanted, found));
        }
        T::EXTENSIONS.check(self.inner.rest.as_deref())?;
        let value: T = self.read()?;
        value.check()?;
        Ok(value)
    }
}

fn mismatch(attribute: &str, wanted: &str, found: &str) -> Error {
    Error::from(codes::SIGNAL_MISMATCH)
        .with_message("the signal is another one than was wanted")
        .with_detail("attribute", attribute)
        .with_detail("wanted", wanted)
        .with_detail("found", shortened(found))
}
