//! Pools of tasks: so many at a time, so many that wait, so long each.
//!
//! A pool starts its tasks under a supervisor at once, also those that have to wait for a place:
//! they wait in their own task, in the order in which they came. So a task that waits is in the
//! tree like any other, can be awaited and dropped like any other, and is waited for when its
//! supervisor stops.

mod entry;
mod handle;
mod options;
mod pools;
mod state;

pub use handle::TaskPool;
pub use options::TaskPoolOptions;
pub use pools::TaskPools;
pub use state::TaskPoolStats;
