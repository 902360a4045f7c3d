//! Whoever looks after the schedules: tells what is due, and waits until something is.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Shared;
use crate::error::Result;
use crate::timer::sleep_until;

/// How long the wall clock is not looked at while somebody waits by it. It may be set, and the
/// machine may sleep, and nobody tells.
const GLANCE: Duration = Duration::from_mins(1);

/// Looks after the schedules as long as it runs. What it waits for is in the table, so another can
/// go on at any time.
pub(super) async fn keep(shared: Arc<Shared>) -> Result<()> {
    loop {
        let now = shared.now();
        let changed = pin!(shared.changed.notified());
        let (run, wall) = shared.look(now);
        let until_wall = wall.map(|at| {
            let left = Duration::try_from(at.duration_since(now.wall));
            now.run.saturating_add(left.unwrap_or(Duration::ZERO).min(GLANCE))
        });
        let Some(wakes) = run.into_iter().chain(until_wall).min() else {
            changed.await;
            continue;
        };
        let sleep = pin!(sleep_until(shared.instant(wakes)));
        // Both arms may be dropped and made again: nothing is lost with them.
        tokio::select! { biased; () = sleep => {}, () = changed => {} }
    }
}
