//! The command line itself: wrong words, missing tools, broken files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Fixture, Run, finish, project};

/// Runs xtask with `arguments` inside the project.
fn xtask(arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    finish(command)
}

#[test]
fn help_and_the_testing_guide_list_every_command() {
    let run = xtask(&["help"]);
    run.passes();
    let commands = run.output.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands.map_while(|line| line.split_whitespace().next()).collect();
    let expected = ["ci", "test", "fmt", "lint", "layers", "tidy", "doc", "bench", "soak", "help"];
    assert_eq!(commands, expected, "{}", run.output);
    let guide = project("docs/testing.md");
    for command in commands.iter().filter(|command| **command != "help") {
        assert!(guide.contains(&format!("| `cargo xtask {command}")), "{command} is missing");
        xtask(&[command, "--help"]).passes();
    }
}

#[test]
fn the_rules_can_be_listed() {
    let run = xtask(&["tidy", "--rules"]);
    run.passes();
    assert!(run.output.contains("module-docs "), "{}", run.output);
}

#[test]
fn wrong_words_are_answered_in_one_line() {
    let cases: [(&[&str], &[&str]); 11] = [
        (&[], &["no command given"]),
        (&["lnt"], &["'lnt'", "a similar subcommand exists: 'lint'"]),
        (&["ci", "--fast"], &["'--fast'"]),
        (&["fmt", "--chekc"], &["'--chekc'", "'--check'"]),
        (&["bench"], &["<GROUP>"]),
        (&["bench", "speed"], &["'speed'", "possible values: actor"]),
        (&["soak", "--rounds", "0"], &["'0'", "--rounds"]),
        (&["soak", "--seed", "tuesday"], &["'tuesday'", "not a number"]),
        (&["soak", "--rounds"], &["--rounds"]),
        (&["tidy", "--rules", "--write"], &["--rules", "--write"]),
        (&["layers", "crates"], &["'crates'"]),
    ];
    for (arguments, words) in cases {
        let run = xtask(arguments);
        run.cannot(words);
        run.cannot(&["; `cargo xtask help` lists what there is"]);
        assert!(run.output.is_empty(), "{}", run.output);
    }
}

#[test]
fn a_folder_outside_the_project_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("tidy").current_dir("/");
    finish(command).cannot(&["/: not inside the project", "xtask/policy/layers.toml"]);
}

#[test]
fn a_broken_manifest_is_named() {
    let fixture = Fixture::clean("broken-manifest");
    fixture.replace("crates/signals/Cargo.toml", "[lints]", "[lints");
    fixture.xtask(&["layers"]).cannot(&["crates/signals/Cargo.toml", "mend the manifest"]);
    fixture.replace("crates/signals/Cargo.toml", "[lints", "[lints]");
    fixture.replace("Cargo.toml", "resolver = \"3\"", "resolver = 3");
    fixture.xtask(&["layers"]).cannot(&["mend the manifest"]);
}

#[test]
fn a_broken_policy_is_named_with_its_line() {
    let fixture = Fixture::clean("broken-policy");
    fixture.replace("xtask/policy/layers.toml", "layer = 0", "lair = 0");
    fixture.xtask(&["tidy"]).cannot(&["xtask/policy/layers.toml:4: unknown field `lair`"]);
    fixture.replace("xtask/policy/layers.toml", "lair = 0", "layer = \"low\"");
    fixture.xtask(&["layers"]).cannot(&["xtask/policy/layers.toml:4: invalid type"]);
    fixture.replace("xtask/policy/layers.toml", "layer = \"low\"", "layer = 0");
    fixture.write("xtask/policy/exceptions.toml", "[[ban]]\nfile = \"a\"\n");
    fixture.xtask(&["lint"]).cannot(&["xtask/policy/exceptions.toml:1: missing field"]);
    fixture.write("xtask/policy/exceptions.toml", "");
    fixture.write(".clippy.toml", "disallowed-methods = [\n\"a\n]\n");
    fixture.xtask(&["tidy"]).cannot(&[".clippy.toml:2: "]);
}

#[test]
fn a_missing_document_and_a_missing_place_in_it_are_named() {
    let fixture = Fixture::clean("missing-document");
    fixture.write("docs/architecture.md", "# Architecture\n");
    fixture.xtask(&["layers"]).cannot(&["docs/architecture.md: needs a line `<!-- the layers"]);
    fixture.remove("docs/architecture.md");
    fixture.xtask(&["layers"]).cannot(&["docs/architecture.md: no such file"]);
    fixture.remove("xtask/policy/lints.toml");
    fixture.xtask(&["layers"]).cannot(&["xtask/policy/lints.toml: no such file"]);
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let fixture = Fixture::clean("no-text");
    fixture.write_bytes("docs/a.md", b"# Title\xff\n");
    fixture.xtask(&["tidy"]).cannot(&["docs/a.md: cannot read as UTF-8"]);
}

#[test]
fn a_stale_lock_file_is_not_mended_behind_ones_back() {
    let fixture = Fixture::clean("stale-lock");
    fixture.replace("Cargo.lock", "name = \"signals\"", "name = \"signal\"");
    let before = fixture.read("Cargo.lock");
    let run = fixture.xtask(&["lint"]);
    run.fails_at("Cargo.lock", "--locked");
    assert_eq!(fixture.read("Cargo.lock"), before);
}

#[test]
fn a_missing_tool_is_named_with_the_command_that_installs_it() {
    let fixture = Fixture::clean("missing-tool");
    let path = fixture.only(&[("cargo", toolchain("cargo")), ("rustc", toolchain("rustc"))]);
    let bare = |arguments: &[&str]| {
        let mut command = fixture.command(arguments);
        command.env("PATH", &path).env("CARGO", path.join("cargo"));
        command.env("CARGO_HOME", path.join("home"));
        finish(command)
    };
    bare(&["fmt"]).cannot(&["cargo fmt is missing", "`rustup component add rustfmt`"]);
    bare(&["lint"]).cannot(&["cargo clippy is missing", "`rustup component add clippy`"]);
}

#[test]
fn tests_run_without_nextest_after_saying_so() {
    let fixture = Fixture::clean("without-nextest");
    let path = fixture.only(&[("cargo", toolchain("cargo")), ("rustc", toolchain("rustc"))]);
    let rustdoc = fixture.only(&[("rustdoc", toolchain("rustdoc"))]);
    assert_eq!(path, rustdoc);
    let mut command = fixture.command(&["test"]);
    // The linker and what it needs are where the system keeps them; nextest is not there.
    command.env("PATH", format!("{}:/usr/bin:/bin", path.display()));
    command.env("CARGO", path.join("cargo")).env("CARGO_HOME", path.join("home"));
    let run = finish(command);
    run.passes();
    let said = "cargo nextest is missing; running `cargo test` in its place\n";
    assert!(run.output.starts_with(said), "{}", run.output);
    assert_eq!(run.output.matches("test doubles_a_number ... ok").count(), 3, "{}", run.output);
    assert_eq!(run.output.matches("double (line 5) ... ok").count(), 3, "{}", run.output);
}

#[test]
fn a_soak_runs_every_round_with_another_seed() {
    let fixture = Fixture::clean("soak");
    let run = fixture.xtask(&["soak", "--rounds", "3", "--seed", "0xff"]);
    run.passes();
    let seeds: Vec<_> = run.output.lines().filter_map(|line| line.split("seed ").nth(1)).collect();
    assert_eq!(seeds[0], "0xff");
    assert_eq!(seeds.len(), 3);
    assert_ne!(seeds[1], seeds[2]);
    assert!(run.output.ends_with("3 rounds of 6 test programs: no failure\n"), "{}", run.output);
}

/// A program of the toolchain that runs this test, past any proxy in front of it.
fn toolchain(program: &str) -> PathBuf {
    let mut rustc = Command::new("rustc");
    let output = rustc.args(["--print", "sysroot"]).output().expect("rustc starts");
    let sysroot = String::from_utf8(output.stdout).expect("a path in UTF-8");
    Path::new(sysroot.trim()).join("bin").join(program)
}
