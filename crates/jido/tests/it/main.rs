//! The `jido` program as a person or a script meets it: its words and its exit codes.

use std::process::{Command, Output};

fn jido(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jido")).args(arguments).output().expect("jido starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("jido prints UTF-8")
}

#[test]
fn says_what_it_is_when_started_without_arguments() {
    let run = jido(&[]);
    assert_eq!(run.status.code(), Some(0));
    let output = text(&run.stdout);
    assert!(output.starts_with(concat!("jido ", env!("CARGO_PKG_VERSION"), "\n")), "{output}");
    assert!(output.contains("no commands"), "{output}");
}

#[test]
fn prints_version_and_help_on_standard_output() {
    let version = jido(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout), concat!("jido ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = jido(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Usage: jido"), "{}", text(&help.stdout));
}

#[test]
fn refuses_what_it_does_not_know_with_exit_code_2() {
    for wrong in ["serve", "--dta", "\u{1F980}"] {
        let run = jido(&[wrong]);
        assert_eq!(run.status.code(), Some(2), "{wrong}");
        assert!(run.stdout.is_empty(), "{}", text(&run.stdout));
        assert!(text(&run.stderr).contains(wrong), "{}", text(&run.stderr));
    }
}

/// A pipe that its reader closed (`jido | head -0`) must not become a panic.
#[test]
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, a real file that refuses writes")]
fn reports_output_that_cannot_be_written_with_exit_code_3() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full opens");
    let status =
        Command::new(env!("CARGO_BIN_EXE_jido")).stdout(full).status().expect("jido starts");
    assert_eq!(status.code(), Some(3));
}
