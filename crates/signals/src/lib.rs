//! Routing: a message reaches every matching subscriber, or the sender learns why not.
//!
//! Layer 1. What binds this crate, and stays so as it grows:
//!
//! - **It does not know the journal.** It reads and writes logs through a port of its own; the
//!   adapter that joins the two lives in `jido-system`.
//! - **No user code runs in its loops**, and it never waits for a slow receiver.
//!
//! Nothing is exported yet. It builds on the processes of `foundation`.
