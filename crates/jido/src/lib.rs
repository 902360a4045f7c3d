//! The runtime that joins the layers, and the library behind the `jido` command.
//!
//! Layer 3. What binds this crate, and stays so as it grows:
//!
//! - **It alone reads configuration, arguments and environment**, and hands values downward.
//! - **The tree it builds is the same in tests and in production.**
//!
//! The command line is the first part that stands: [`command_line`] parses arguments and answers
//! with an exit code. It has no commands yet; the runtime behind them is built layer by layer.

mod command;

pub use command::command_line;
