//! Rate limits: how often something may happen.
//!
//! Two strategies, each exact under concurrency and by the runtime's clock:
//!
//! - **Tokens** (GCRA, of [governor]): a bucket of `burst` tokens that fills evenly, `quota` in
//!   each period. In any time `d` at most `burst + ⌊d × quota ÷ period⌋` are admitted. A check is
//!   one atomic operation; the state is one word.
//! - **Sliding window**: at most `limit` in any time as long as the window, wherever it begins.
//!   Every admission is remembered until the window has passed over it.
//!
//! A limit of 0 denies everything. What is denied costs nothing.
//!
//! [governor]: https://docs.rs/governor

mod clock;
mod crowd;
mod handle;
mod keyed;
mod limiters;
mod options;
mod tokens;
mod window;

pub use handle::{RateLimiter, RateStatus};
pub use keyed::KeyedRateLimiter;
pub use limiters::RateLimiters;
pub use options::RateLimit;

#[cfg(test)]
mod tests;
