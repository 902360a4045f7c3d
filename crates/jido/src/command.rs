//! The command line: arguments in, text and an exit code out.
//!
//! It takes its arguments and its two streams as parameters, so that a test runs it without a
//! process. Exit codes: 0 done, 2 the arguments are wrong, 3 the output could not be written.

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

/// What `jido` says when it is started with nothing to do.
const NOTHING_TO_RUN: &str = "\
There is nothing to run yet: this version holds the workspace and its checks, and no commands.
See `jido --help`, and docs/changelog.md for what has landed.
";

/// A runtime for agents and workflows that do not lose their work.
#[derive(Debug, Parser)]
#[command(name = "jido", version)]
struct Arguments {}

/// Runs the `jido` command on `arguments`, the first of which is the program's name, and returns
/// its exit code.
///
/// Answers go to `output`; what is wrong with the arguments goes to `diagnostics`, with exit code
/// 2. Exit code 3 means that one of the two could not be written.
///
/// ```
/// let (mut output, mut diagnostics) = (Vec::new(), Vec::new());
/// let code = jido::command_line(["jido", "--version"], &mut output, &mut diagnostics);
/// assert_eq!(code, 0);
/// assert!(output.starts_with(b"jido "));
/// ```
#[must_use]
pub fn command_line<A>(
    arguments: impl IntoIterator<Item = A>,
    output: &mut impl Write,
    diagnostics: &mut impl Write,
) -> u8
where
    A: Into<OsString> + Clone,
{
    let (code, written) = match Arguments::try_parse_from(arguments) {
        Ok(Arguments {}) => (0, write!(output, "jido {}\n{NOTHING_TO_RUN}", version())),
        Err(answer) if !answer.use_stderr() => (0, write!(output, "{answer}")),
        Err(wrong) => (2, write!(diagnostics, "{wrong}")),
    };
    if written.is_ok() { code } else { 3 }
}

/// The version of this package, as Cargo knows it.
const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
