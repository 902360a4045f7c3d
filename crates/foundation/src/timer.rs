//! The one file that waits for time to pass.

use tokio::time::{Instant, Sleep};

/// A future that is ready at `deadline`. It is large; whoever holds one boxes it.
#[expect(clippy::disallowed_methods, reason = "ban: timer, the one place that sleeps")]
pub(crate) fn sleep_until(deadline: Instant) -> Sleep {
    tokio::time::sleep_until(deadline)
}
