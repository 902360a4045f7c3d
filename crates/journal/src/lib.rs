//! A durable log: what was acknowledged survives; what was torn is detected.
//!
//! Layer 1. What binds this crate, and stays so as it grows:
//!
//! - **It is the only place that syncs a file.** Nobody else promises durability.
//! - **It does not know signals, agents or workflows.** It stores opaque bytes under streams and
//!   keys, and folds its log without running user code.
//! - **Refused and unknown are different answers**, and every error says which it is.
//!
//! Nothing is exported yet. It builds on the processes of `foundation`.
