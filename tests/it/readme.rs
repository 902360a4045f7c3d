//! The README promises only what works: its commands are run as they stand there.

use std::process::{Command, Output, Stdio};

const README: &str = include_str!("../../README.md");
/// The root of the project.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// One screen.
const MOST_LINES: usize = 60;

/// The commands that the README shows, one per line of its `sh` blocks.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).collect()
}

fn shell(command: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(ROOT).stdin(Stdio::null());
    shell.output().expect("a shell starts")
}

#[test]
fn shows_one_command_that_runs_it_and_one_that_passes_the_tests() {
    assert_eq!(commands(), ["cargo run", "cargo xtask ci"]);
}

#[test]
fn the_command_that_runs_it_works() {
    let run = shell(commands()[0]);
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(output.starts_with("jido "), "{output}");
}

#[test]
fn fits_on_one_screen() {
    assert!(README.lines().count() <= MOST_LINES, "{} lines", README.lines().count());
}
