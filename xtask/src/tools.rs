//! The programs that the gates run, and what to do where one is missing.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::finding::Verdict;

/// A cargo subcommand that a machine may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Fmt,
    Clippy,
    Nextest,
}

impl Tool {
    /// The subcommand's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Nextest => "nextest",
        }
    }

    /// How to get it.
    const fn install(self) -> &'static str {
        match self {
            Self::Fmt => "rustup component add rustfmt",
            Self::Clippy => "rustup component add clippy",
            Self::Nextest => "cargo install cargo-nextest --locked",
        }
    }

    /// Whether this machine has it.
    pub(crate) fn is_there(self, root: &Path) -> bool {
        let mut command = cargo(root, [self.name(), "--version"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Asks for it.
    ///
    /// # Errors
    ///
    /// When it is missing, with the command that installs it.
    pub(crate) fn require(self, root: &Path) -> Result<()> {
        if !self.is_there(root) {
            bail!("cargo {} is missing; install it with `{}`", self.name(), self.install());
        }
        Ok(())
    }
}

/// Cargo with `arguments`, in the folder `root`: the one that started this program, if one did.
#[expect(clippy::disallowed_methods, reason = "ban: std::env, cargo says which cargo is running")]
pub(crate) fn cargo<A: AsRef<OsStr>>(
    root: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments);
    command
}

/// Runs `command`, whose output goes where ours does. Its failure is a verdict, not an error.
///
/// # Errors
///
/// When it cannot be started.
pub(crate) fn run(command: &mut Command) -> Result<Verdict> {
    let status = command.status().with_context(|| {
        let program = command.get_program().display();
        format!("{program}: cannot be started; is it installed and on the PATH?")
    })?;
    Ok(if status.success() { Verdict::Clean } else { Verdict::Failed })
}
