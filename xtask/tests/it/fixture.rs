//! A small workspace of its own, with the real ban list, the real lints and the real canary.
//!
//! It has three packages and nothing from outside, so that a gate runs on it within seconds. Each
//! test has its own, below the build folder; a run begins by removing what the last one left.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The root of the project itself.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Files that the fixture has from the project, as they are.
const REAL: [&str; 5] = [
    ".clippy.toml",
    ".rustfmt.toml",
    "rust-toolchain.toml",
    "xtask/policy/lints.toml",
    "xtask/src/canary.rs",
];
const LAYERS: &str = r#"
[[package]]
name = "foundation"
layer = 0
about = "the ground"

[[package]]
name = "signals"
layer = 1
about = "one side"
normal = ["foundation"]

[[package]]
name = "journal"
layer = 1
about = "other side"
normal = ["foundation"]
"#;
const WORKSPACE: &str = r#"[workspace]
resolver = "3"
members = ["crates/foundation", "crates/journal", "crates/signals"]

[workspace.package]
version = "0.1.0"
edition = "2024"

[workspace.dependencies]
foundation = { path = "crates/foundation" }
journal = { path = "crates/journal" }
"#;
const LIBRARY: &str = "\
//! A library of the fixture.

/// Doubles `n`.
///
/// ```
/// assert_eq!(NAME::double(4), 8);
/// ```
#[must_use]
pub fn double(n: u32) -> u32 {
    n.saturating_mul(2)
}
";
const TEST: &str = "\
//! Tests of the fixture.

#[test]
fn doubles_a_number() {
    assert_eq!(NAME::double(2), 4);
}
";
const ARCHITECTURE: &str = "# Architecture

<!-- the layers, from xtask/policy/layers.toml; rendered by `cargo xtask layers --write` -->
<!-- end of what is rendered -->
";
const STYLE: &str = "# Style

<!-- the bans, from .clippy.toml and xtask/policy/exceptions.toml; rendered by `cargo xtask tidy --write` -->
<!-- end of what is rendered -->
";

/// What a run of xtask left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) diagnostics: String,
}

impl Run {
    /// Asserts that a gate failed and named `place` in what it printed, before its summary.
    #[track_caller]
    pub(crate) fn fails_at(&self, place: &str, words: &str) {
        assert_eq!(self.code, 1, "{self:#?}");
        let all = format!("{}{}", self.output, self.diagnostics);
        assert!(all.contains(place), "{place} is not named: {self:#?}");
        assert!(all.contains(words), "`{words}` is not said: {self:#?}");
    }

    /// Asserts that everything was well.
    #[track_caller]
    pub(crate) fn passes(&self) {
        assert_eq!(self.code, 0, "{self:#?}");
    }

    /// Asserts that the command could not do its work and said so in one line with all `words`.
    #[track_caller]
    pub(crate) fn cannot(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{self:#?}");
        let line = self.diagnostics.strip_prefix("xtask: ").expect("xtask speaks");
        assert_eq!(line.lines().count(), 1, "{self:#?}");
        for word in words {
            assert!(line.contains(word), "`{word}` is not in: {line}");
        }
    }
}

/// A workspace on disk.
#[derive(Debug)]
pub(crate) struct Fixture {
    root: PathBuf,
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, a real workspace on a real disk")]
impl Fixture {
    /// A workspace, named after its test, in which every gate passes.
    pub(crate) fn clean(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if root.exists() {
            std::fs::remove_dir_all(&root).expect("the last run's fixture can be removed");
        }
        let fixture = Self { root };
        for path in REAL {
            fixture.write(path, &project(path));
        }
        let manifest = project("Cargo.toml");
        let lints = manifest.find("[workspace.lints.rust]").expect("the project has lints");
        let lints = &manifest[lints..manifest.find("[profile").expect("profiles end the lints")];
        fixture.write("Cargo.toml", &format!("{WORKSPACE}\n{lints}"));
        for (name, dependency) in
            [("foundation", ""), ("journal", "foundation"), ("signals", "foundation")]
        {
            fixture.package(name, dependency);
        }
        fixture.write("xtask/policy/layers.toml", LAYERS);
        fixture.write("xtask/policy/exceptions.toml", "");
        fixture.write("xtask/src/main.rs", "//! Declares the canary.\n\nmod canary;\n");
        fixture.write("docs/architecture.md", ARCHITECTURE);
        fixture.write("docs/style.md", STYLE);
        fixture.write("README.md", "# Fixture\n\n```sh\ncargo xtask ci\n```\n");
        fixture.write(".ci/run", "cargo xtask ci\n");
        for path in [".cargo/config.toml", ".config/nextest.toml", ".gitignore"] {
            fixture.write(path, "");
        }
        for path in ["LICENSE-APACHE", "LICENSE-MIT", "tests/README.md"] {
            fixture.write(path, "");
        }
        fixture.lock();
        fixture.xtask(&["layers", "--write"]).passes();
        fixture.xtask(&["tidy", "--write"]).passes();
        fixture
    }

    /// Puts `text` into the file at `path`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    /// Puts `bytes` into the file at `path`.
    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("the fixture can be written");
    }

    /// The text of the file at `path`.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).expect("the fixture can be read")
    }

    /// Replaces `from`, which stands there, by `to` in the file at `path`.
    #[track_caller]
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }

    /// Removes the file at `path`.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.root.join(path)).expect("the file can be removed");
    }

    /// A folder with nothing but links to `programs`, to be a PATH.
    pub(crate) fn only(&self, programs: &[(&str, PathBuf)]) -> PathBuf {
        let folder = self.root.join("target/only");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, program) in programs {
            std::os::unix::fs::symlink(program, folder.join(name)).expect("a link");
        }
        folder
    }

    /// Runs `cargo xtask` with `arguments` at the root.
    pub(crate) fn xtask(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments))
    }

    /// The same, to be changed before it is finished with [`finish`].
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(&self.root);
        command.env("CARGO_TARGET_DIR", self.root.join("target"));
        command
    }

    /// Makes the lock file be that of the packages as they are.
    pub(crate) fn lock(&self) {
        let mut command = Command::new(env!("CARGO"));
        command.args(["generate-lockfile", "--offline"]).current_dir(&self.root);
        let output = command.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn package(&self, name: &str, dependency: &str) {
        let uses = match dependency {
            "" => String::new(),
            name => format!("\n[dependencies]\n{name}.workspace = true\n"),
        };
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\n\
             [lints]\nworkspace = true\n{uses}"
        );
        let path = |file: &str| format!("crates/{name}/{file}");
        self.write(&path("Cargo.toml"), &manifest);
        self.write(&path("src/lib.rs"), &LIBRARY.replace("NAME", name));
        self.write(&path("tests/it/main.rs"), &TEST.replace("NAME", name));
    }
}

/// Runs `command` to its end.
pub(crate) fn finish(mut command: Command) -> Run {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().expect("xtask starts");
    Run {
        code: status.code().expect("xtask exits by itself"),
        output: String::from_utf8(stdout).expect("xtask prints UTF-8"),
        diagnostics: String::from_utf8(stderr).expect("xtask prints UTF-8"),
    }
}

/// The text of a file of the project itself.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the real policy goes into a fixture")]
pub(crate) fn project(path: &str) -> String {
    std::fs::read_to_string(Path::new(PROJECT).join(path)).expect("the project has this file")
}
