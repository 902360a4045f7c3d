//! A log that is away for a while.

use std::time::Duration;

use signals::Signal;
use signals::testing::{Fault, Moment, Operation};

use super::Followed;

/// Symptom: a log that could not be read for a few seconds took the bus along, with every handler
/// and runner, and then the system. Mechanism: whoever reads it failed, and used up the restarts of
/// its supervisors. It now waits and tries again.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_for_minutes_is_outlasted() {
    for operations in [&[Operation::Read][..], &[Operation::StoreParts], Operation::ALL] {
        for moment in [Moment::Before, Moment::After] {
            let followed = Followed::begin().await;
            let shop = &followed.shop;
            shop.log.inject(Fault::of_any(operations, moment).lasting());
            let _ = shop.bus.publish(Signal::new("s.2", "/shop")).await;
            testkit::pass(Duration::from_mins(3)).await;
            shop.log.heal();
            followed.has_everything(&format!("{operations:?} {moment:?}")).await;
        }
    }
}
