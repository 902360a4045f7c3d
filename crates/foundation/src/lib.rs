//! A tree of tasks that fail, restart and stop in a known order, and what every other crate
//! needs beside it: one error type, limits, feature flags.
//!
//! Layer 0. What binds this crate, and stays so as it grows:
//!
//! - **It names no other crate of the workspace.** Whatever is wanted both here and above is here.
//! - **It alone starts tasks and threads**, in one file; everybody else asks a supervisor.
//! - **It owns no global state.** A system value owns registry, clock, ids and tasks; two of them
//!   in one process do not see each other.
//!
//! Nothing is exported yet. The error type, processes and supervision come first.
