//! One thing wrong at a time: each is found, and named with its file and line.

use crate::fixture::{Fixture, finish};

#[test]
fn every_gate_passes_on_a_clean_workspace_and_the_summary_says_how_long_each_took() {
    let run = Fixture::clean("clean").xtask(&["ci"]);
    run.passes();
    let summary = run.output.split("== summary\n").nth(1).expect("ci ends with a summary");
    let names: Vec<_> = summary.lines().filter_map(|line| line.split(' ').next()).collect();
    let steps = ["fmt", "layers", "tidy", "lint", "doc", "test", "doctest", "total"];
    assert_eq!(names, steps, "{summary}");
    assert!(summary.lines().all(|line| line.contains(" ok ") && line.ends_with(" s")), "{summary}");
}

#[test]
fn a_forbidden_edge_is_named() {
    let fixture = Fixture::clean("forbidden-edge");
    let manifest = fixture.read("crates/signals/Cargo.toml") + "journal.workspace = true\n";
    fixture.write("crates/signals/Cargo.toml", &manifest);
    let place = format!("crates/signals/Cargo.toml:{}: layers: ", manifest.lines().count());
    fixture.xtask(&["layers"]).fails_at(&place, "`signals` (L1) may not use `journal` (L1)");
}

#[test]
fn a_sleep_in_a_test_is_named() {
    let fixture = Fixture::clean("sleep-in-a-test");
    let sleep = "    std::thread::sleep(std::time::Duration::from_millis(1));\n    assert_eq!";
    fixture.replace("crates/foundation/tests/it/main.rs", "    assert_eq!", sleep);
    let place = "crates/foundation/tests/it/main.rs:5:5";
    fixture.xtask(&["lint"]).fails_at(place, "wait for the thing itself");
}

#[test]
fn an_excused_sleep_in_a_test_is_named() {
    let fixture = Fixture::clean("excused-sleep");
    let sleep = "#[expect(clippy::disallowed_methods, reason = \"ban: thread::sleep, patience\")]\n\
                 fn wait() {\n    std::thread::sleep(std::time::Duration::from_millis(1));\n}\n\n\
                 #[test]";
    fixture.replace("crates/foundation/tests/it/main.rs", "#[test]", sleep);
    let place = "crates/foundation/tests/it/main.rs:3: ban-exception: ";
    fixture.xtask(&["tidy"]).fails_at(place, "wait for the thing itself");
}

#[test]
fn a_spawn_outside_the_one_file_is_named() {
    let fixture = Fixture::clean("spawn");
    let spawn = "    let _ = std::thread::spawn(|| ());\n    n.saturating_mul(2)";
    fixture.replace("crates/signals/src/lib.rs", "    n.saturating_mul(2)", spawn);
    let run = fixture.xtask(&["lint"]);
    run.fails_at("crates/signals/src/lib.rs:10:13", "only foundation's spawn module");
}

#[test]
fn a_ban_that_stopped_firing_is_named() {
    let fixture = Fixture::clean("silent-ban");
    let canary = "#[test]\nfn canary() {\n    \
                  #[expect(clippy::disallowed_methods, reason = \"std::thread::yield_now\")]\n    \
                  let _ = || std::thread::yield_now();\n}\n\n#[test]\nfn doubles";
    let file = "crates/foundation/tests/it/main.rs";
    fixture.replace(file, "#[test]\nfn doubles", canary);
    fixture.xtask(&["lint"]).fails_at(&format!("{file}:5:14"), "expectation is unfulfilled");
    let ban = "disallowed-methods = [\n    \
               { path = \"std::thread::yield_now\", reason = \"ban: spawn; wait\" },";
    fixture.replace(".clippy.toml", "disallowed-methods = [", ban);
    fixture.xtask(&["lint"]).passes();
}

#[test]
fn compiler_flags_from_outside_silence_no_ban() {
    let fixture = Fixture::clean("cap-lints");
    let spawn = "    let _ = std::thread::spawn(|| ());\n    n.saturating_mul(2)";
    fixture.replace("crates/signals/src/lib.rs", "    n.saturating_mul(2)", spawn);
    let place = "crates/signals/src/lib.rs:10:13";
    let mut command = fixture.command(&["lint"]);
    command.env("RUSTFLAGS", "--cap-lints allow");
    finish(command).fails_at(place, "only foundation's spawn module");
    fixture.write(".cargo/config.toml", "[build]\nrustflags = [\"--cap-lints=allow\"]\n");
    fixture.xtask(&["lint"]).fails_at(place, "only foundation's spawn module");
}

#[test]
fn a_file_without_module_docs_is_named() {
    let fixture = Fixture::clean("module-docs");
    fixture.write("crates/journal/tests/it/disk.rs", "fn nothing() {}\n");
    let place = "crates/journal/tests/it/disk.rs:1: module-docs: ";
    fixture.xtask(&["tidy"]).fails_at(place, "say in its first line what the file is for");
}

#[test]
fn a_lint_that_is_not_pinned_is_named() {
    let fixture = Fixture::clean("unpinned-lints");
    let own = "[lints.clippy]\nunwrap_used = \"allow\"\n";
    fixture.replace("crates/journal/Cargo.toml", "[lints]\nworkspace = true\n", own);
    let run = fixture.xtask(&["layers"]);
    run.fails_at("crates/journal/Cargo.toml:6: pinned-lints: ", "`[lints] workspace = true`");
}

#[test]
fn a_lint_that_was_lowered_for_all_is_named() {
    let fixture = Fixture::clean("lowered-lint");
    fixture.replace("Cargo.toml", "unwrap_used = \"deny\"", "unwrap_used = \"warn\"");
    let manifest = fixture.read("Cargo.toml");
    let line = manifest.lines().position(|line| line.starts_with("unwrap_used")).unwrap() + 1;
    let place = format!("Cargo.toml:{line}: pinned-lints: clippy::unwrap_used");
    fixture.xtask(&["layers"]).fails_at(&place, "must be `deny`");
}

#[test]
fn product_code_that_may_panic_is_named_and_a_test_that_may_is_not() {
    let fixture = Fixture::clean("unwrap");
    let panics = "u32::from_str_radix(\"4\", 16).unwrap()";
    fixture.replace("crates/signals/tests/it/main.rs", "signals::double(2)", panics);
    fixture.xtask(&["lint"]).passes();
    fixture.replace("crates/signals/src/lib.rs", "n.saturating_mul(2)", panics);
    let run = fixture.xtask(&["lint"]);
    run.fails_at("crates/signals/src/lib.rs:10:5", "used `unwrap()` on a `Result` value");
}

#[test]
fn a_diagram_that_lags_behind_the_policy_is_named() {
    let fixture = Fixture::clean("diagram");
    fixture.replace("xtask/policy/layers.toml", "the ground", "the new ground");
    let run = fixture.xtask(&["layers"]);
    run.fails_at("docs/architecture.md:8: diagram: ", "run `cargo xtask layers --write`");
    fixture.xtask(&["layers", "--write"]).passes();
    fixture.xtask(&["layers"]).passes();
}

#[test]
fn a_link_to_nowhere_and_docs_with_a_warning_are_named() {
    let fixture = Fixture::clean("doc");
    fixture.replace("README.md", "# Fixture\n", "# Fixture\n\n[gone](docs/gone.md)\n");
    fixture.xtask(&["doc"]).fails_at("README.md:3: link: ", "docs/gone.md");
    fixture.replace("README.md", "docs/gone.md", "docs/style.md");
    fixture.replace("crates/signals/src/lib.rs", "Doubles `n`", "Doubles [`Gone`]");
    fixture.xtask(&["doc"]).fails_at("crates/signals/src/lib.rs:3:", "unresolved link");
}

#[test]
fn a_failing_test_and_a_failing_example_are_named() {
    let fixture = Fixture::clean("failing-test");
    fixture.replace("crates/journal/src/lib.rs", "double(4), 8", "double(4), 9");
    fixture.xtask(&["test"]).fails_at("crates/journal/src/lib.rs - double (line 5)", "FAILED");
    fixture.replace("crates/journal/tests/it/main.rs", "double(2), 4", "double(2), 5");
    let run = fixture.xtask(&["test", "doubles"]);
    run.fails_at("crates/journal/tests/it/main.rs:5:5", "assertion `left == right` failed");
    fixture.xtask(&["soak", "--rounds", "2"]).fails_at("tests/it/main.rs:5:5", "repeat with: ");
}

#[test]
fn ci_stops_at_the_first_gate_that_fails_and_names_the_finding_before_the_summary() {
    let fixture = Fixture::clean("fail-fast");
    fixture.write("crates/journal/tests/it/disk.rs", "fn nothing() {}\n");
    fixture.replace("crates/signals/src/lib.rs", "pub fn double", "pub  fn double");
    let run = fixture.xtask(&["ci"]);
    run.fails_at("crates/signals/src/lib.rs:6:", "pub fn double");
    let summary = run.output.find("== summary").expect("ci ends with a summary");
    assert!(run.output.find("Diff in").is_some_and(|at| at < summary), "{}", run.output);
    assert!(run.output[summary..].contains("fmt      FAILED"), "{}", run.output);
    assert!(run.output[summary..].contains("tidy     not run"), "{}", run.output);
    assert!(!run.output.contains("module-docs"), "{}", run.output);

    fixture.xtask(&["fmt"]).passes();
    let run = fixture.xtask(&["ci"]);
    run.fails_at("crates/journal/tests/it/disk.rs:1: module-docs: ", "tidy     FAILED");
}
