//! The task that cares for what is kept for one receiver: it offers it again when that may work,
//! and gives it up when it was kept for too long.

use std::sync::Arc;
use std::time::Duration;

use foundation::Result;
use tokio::time::timeout_at;

use super::assignment::Assignment;
use super::cell::Cell;
use super::lane::Care;
use super::receiver::{Receive, Reserved};
use super::shared::Shared;

/// Says when it goes that nobody cares for the cell: its task is started again by whoever changes
/// something, or with the part of the tree that tasks run in.
struct Caring {
    cell: Arc<Cell>,
    is_over: bool,
}

/// Cares for a cell as long as there is something to care for.
pub(super) fn care(
    shared: Arc<Shared>,
    cell: Arc<Cell>,
) -> impl Future<Output = Result<()>> + Send + use<> {
    let mut caring = Caring { cell, is_over: false };
    async move {
        loop {
            let cell = &caring.cell;
            tokio::task::coop::consume_budget().await;
            let (care, receiver) = shared.change_quietly(cell, |state, now| {
                let care = state.lane.care(now);
                // In the same breath: whoever changes something from here on starts another one.
                state.is_cared_for &= !matches!(care, Care::Nothing);
                (care, state.receiver.clone())
            });
            match care {
                Care::Offer { epoch } => offer(&shared, cell, receiver.as_deref(), epoch),
                Care::Wait { until } => {
                    let until = shared.started + Duration::from_nanos(until);
                    // Either way it looks again; a notice that comes between is kept.
                    let _ = timeout_at(until, cell.changed.notified()).await;
                }
                Care::Nothing => break,
            }
        }
        // Another one may care by now.
        caring.is_over = true;
        shared.forget_if_spent(&caring.cell);
        Ok(())
    }
}

/// Gives the receiver an assignment. If that cannot be, the lane hears of it.
fn offer(shared: &Arc<Shared>, cell: &Arc<Cell>, receiver: Option<&dyn Receive>, epoch: u64) {
    let reserved = receiver.map(Reserved::take);
    match reserved {
        Some(Ok(reserved)) => {
            let handed = reserved.hand(Assignment::new(shared, cell, epoch));
            if let Err(error) = handed {
                let receiver = &*cell.id;
                tracing::debug!(receiver, %error, "coordination.not_offered");
            }
        }
        Some(Err(error)) => {
            let receiver = &*cell.id;
            tracing::debug!(receiver, %error, "coordination.not_offered");
            shared.change_quietly(cell, |state, now| state.lane.no_room(epoch, now));
        }
        // It has gone in this moment, and has no assignments any more.
        None => {}
    }
}

impl Drop for Caring {
    fn drop(&mut self) {
        if !self.is_over {
            self.cell.with(|state| state.is_cared_for = false);
        }
    }
}
