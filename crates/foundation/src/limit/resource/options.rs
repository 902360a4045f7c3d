//! How much there is, and when it is nearly used up.

use std::time::Duration;

use super::state::Levels;
use crate::actor::refused;
use crate::error::Result;

/// By how many points the use has to fall below a threshold until the level does.
const HYSTERESIS: u8 = 5;
/// The longest life of a permit that has one.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// How much of a resource there is.
///
/// | option | default |
/// |---|---|
/// | [`limit`](Self::new) | none: it is given |
/// | [`moderate_at`](Self::moderate_at) | 90 % |
/// | [`severe_at`](Self::severe_at) | 95 % |
/// | [`hysteresis`](Self::hysteresis) | 5 points |
/// | [`permit_lifetime`](Self::permit_lifetime) | none: as long as it is held |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ResourceOptions {
    limit: u64,
    moderate_at: u8,
    severe_at: u8,
    hysteresis: u8,
    pub(super) permit_lifetime: Option<Duration>,
}

impl ResourceOptions {
    /// So many units of it; 1 or more.
    pub const fn new(limit: u64) -> Self {
        Self {
            limit,
            moderate_at: 90,
            severe_at: 95,
            hysteresis: HYSTERESIS,
            permit_lifetime: None,
        }
    }

    /// With more than how many percent in use the level is moderate; 0 to 100, and not above that
    /// of severe.
    pub const fn moderate_at(mut self, percent: u8) -> Self {
        self.moderate_at = percent;
        self
    }

    /// With more than how many percent in use the level is severe; 0 to 100. With 100 it is when
    /// more is [observed](super::Resource::observe) than there is, and never by permits.
    pub const fn severe_at(mut self, percent: u8) -> Self {
        self.severe_at = percent;
        self
    }

    /// By how many points of a percentage the use has to be below a threshold again, until the
    /// level falls; not more than [`Self::moderate_at`]. It comes to one unit at least, unless it
    /// is 0 or a threshold is no unit.
    pub const fn hysteresis(mut self, points: u8) -> Self {
        self.hysteresis = points;
        self
    }

    /// Takes a permit back that is held for longer; more than nothing, 366 days at most. For what
    /// is used outside of this program, where a holder may be gone without a trace; inside,
    /// dropping the permit is enough. The holder finds it
    /// [expired](super::ResourcePermit::has_expired). It is taken back when somebody next uses the
    /// resource or looks at it, and not before.
    pub const fn permit_lifetime(mut self, lifetime: Duration) -> Self {
        self.permit_lifetime = Some(lifetime);
        self
    }

    /// Refuses what cannot be.
    pub(super) fn levels(&self) -> Result<Levels> {
        if self.limit == 0 {
            return Err(refused("limit", "1 or more"));
        }
        if self.severe_at > 100 {
            return Err(refused("severe_at", "0 to 100 percent"));
        }
        if self.moderate_at > self.severe_at {
            return Err(refused("moderate_at", "not above `severe_at`"));
        }
        if self.hysteresis > self.moderate_at {
            return Err(refused("hysteresis", "not above `moderate_at`"));
        }
        if self.permit_lifetime.is_some_and(|life| life.is_zero() || life > LONGEST) {
            return Err(refused("permit_lifetime", "more than nothing, 366 days at most"));
        }
        let of = |percent: u8| {
            let units = u128::from(self.limit) * u128::from(percent) / 100;
            u64::try_from(units).unwrap_or(u64::MAX)
        };
        // With few units the points may come to less than one, which is the least there is.
        let until = |percent: u8| match self.hysteresis {
            0 => of(percent),
            points => of(percent - points).min(of(percent).saturating_sub(1)),
        };
        Ok(Levels {
            limit: self.limit,
            moderate_above: of(self.moderate_at),
            moderate_until: until(self.moderate_at),
            severe_above: of(self.severe_at),
            severe_until: until(self.severe_at),
        })
    }
}
