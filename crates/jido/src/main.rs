//! The `jido` program: hands its arguments and streams to the library and exits with its answer.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "ban: std::env, the one place that reads it")]
fn main() -> ExitCode {
    let arguments = std::env::args_os();
    let (mut output, mut diagnostics) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(jido::command_line(arguments, &mut output, &mut diagnostics))
}
