//! Agents, actions, tasks and workflows: they decide purely; the runtime executes, records and
//! resumes.
//!
//! Layer 2. What binds this crate, and stays so as it grows:
//!
//! - **There is one way to be durable.** A task queue is a persistent agent; a workflow is a
//!   persistent agent whose state is its history.
//! - **Nothing leaves before it is durable**: no reply, no signal, no effect.
//! - **It is where `signals` and `journal` meet**; neither names the other.
//!
//! Nothing is exported yet. It builds on the three crates below it.
