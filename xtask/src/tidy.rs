//! Text rules: what neither the compiler nor clippy can check.
//!
//! Every rule is a pure function from text to findings, and stands in one table. A rule's message
//! names what to write instead. Each has an example that it must find and one that it must leave
//! alone (`tidy/tests.rs`); a rule without an example fails the tests.

mod canary;
mod errors;
mod events;
mod exceptions;
mod files;
mod globals;
mod levels;
mod modules;
mod pure;
mod repository;
mod tests_rules;
mod waiting;

use anyhow::Result;

use crate::bans::{self, Ban};
use crate::code::Code;
use crate::finding::{Finding, Verdict, report};
use crate::policy::Policy;
use crate::tree::{Source, Tree};

/// One rule: its name, what it asks, and the function that checks it.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// In one line, for `cargo xtask tidy --rules`.
    pub(crate) asks: &'static str,
    check: Check,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// One Rust file at a time.
    File(fn(&RustFile<'_>, &Project<'_>) -> Vec<Finding>),
    /// The project as a whole.
    Project(fn(&Project<'_>) -> Vec<Finding>),
}

/// A Rust file and its tokens.
#[derive(Debug)]
pub(crate) struct RustFile<'a> {
    source: &'a Source,
    code: Code,
}

/// Everything the rules may look at.
#[derive(Debug)]
pub(crate) struct Project<'a> {
    tree: &'a Tree,
    policy: &'a Policy,
    bans: Vec<Ban>,
    rust: Vec<RustFile<'a>>,
    /// Rust files that are not Rust.
    broken: Vec<Finding>,
}

/// Every rule, in the order in which a reader meets them.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "rust",
        asks: "a file that ends in .rs is Rust",
        check: Check::Project(|project| project.broken.clone()),
    },
    Rule {
        name: "module-docs",
        asks: "a file begins with `//!` and says what it is for",
        check: Check::File(files::module_docs),
    },
    Rule {
        name: "declared-file",
        asks: "a file is compiled: another one declares it as a module, or Cargo knows it",
        check: Check::Project(modules::declared),
    },
    Rule {
        name: "file-size",
        asks: "a file has at most 600 lines",
        check: Check::File(files::size),
    },
    Rule {
        name: "median-size",
        asks: "the median file of product code has at most 150 lines",
        check: Check::Project(files::median_size),
    },
    Rule {
        name: "file-name",
        asks: "a file or folder is named after what it holds, not `utils` or `common`",
        check: Check::File(files::name),
    },
    Rule {
        name: "pure-file",
        asks: "state.rs, plan.rs and their like have no async, clock, randomness or I/O",
        check: Check::File(pure::pure_file),
    },
    Rule {
        name: "biased-select",
        asks: "`select!` says `biased;`, so that the order of its arms is a decision",
        check: Check::File(waiting::biased_select),
    },
    Rule {
        name: "paused-time",
        asks: "an async test starts with paused time, or its file is listed as needing real time",
        check: Check::File(waiting::paused_time),
    },
    Rule {
        name: "no-ignore",
        asks: "no test is ignored",
        check: Check::File(tests_rules::no_ignore),
    },
    Rule {
        name: "no-should-panic",
        asks: "no test is satisfied by any panic at all",
        check: Check::File(tests_rules::no_should_panic),
    },
    Rule {
        name: "no-empty-assertion",
        asks: "`matches!` is not a statement, where it checks nothing",
        check: Check::File(tests_rules::no_empty_assertion),
    },
    Rule {
        name: "own-test-support",
        asks: "unit tests of what testkit builds on do not use testkit, which holds another copy",
        check: Check::File(tests_rules::own_test_support),
    },
    Rule {
        name: "no-global-state",
        asks: "product code has no `static` and no thread-local",
        check: Check::File(globals::no_global_state),
    },
    Rule {
        name: "one-error-type",
        asks: "a public function that can fail returns `foundation::Result`",
        check: Check::File(errors::one_error_type),
    },
    Rule {
        name: "event-table",
        asks: "every event has a name, and the table of docs/telemetry.md has exactly those",
        check: Check::Project(events::event_table),
    },
    Rule {
        name: "explicit-reexport",
        asks: "`pub use` lists what it exports",
        check: Check::File(globals::explicit_reexport),
    },
    Rule {
        name: "no-allow",
        asks: "no attribute sets the level of a lint, except to expect it",
        check: Check::File(levels::no_allow),
    },
    Rule {
        name: "no-group",
        asks: "an expectation names one lint, not a group of them",
        check: Check::File(levels::no_group),
    },
    Rule {
        name: "ban-exception",
        asks: "what is banned is done only in the files of exceptions.toml, which has no others",
        check: Check::Project(exceptions::check),
    },
    Rule {
        name: "ban-canary",
        asks: "every ban has a name and a canary that proves it fires",
        check: Check::Project(canary::check),
    },
    Rule {
        name: "one-clippy-config",
        asks: "there is one clippy configuration; a second one hides the bans of the first",
        check: Check::Project(repository::one_clippy_config),
    },
    Rule {
        name: "top-level",
        asks: "the root of the repository holds the listed entries, dotfiles, and nothing else",
        check: Check::Project(repository::top_level),
    },
    Rule {
        name: "ci-command",
        asks: "`.ci/run` runs the test command that the README gives",
        check: Check::Project(repository::ci_command),
    },
];

/// Checks every rule.
///
/// # Errors
///
/// When the ban list cannot be read.
pub(crate) fn check(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    let project = Project::new(tree, policy)?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule.findings(&project)).collect();
    findings.extend(exceptions::table(&project).check(tree, "ban-table")?);
    Ok(report(findings))
}

/// Renders the bans and their exceptions into the document that shows them.
///
/// # Errors
///
/// When the document has no place for them or cannot be written.
pub(crate) fn write(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    exceptions::table(&Project::new(tree, policy)?).write(tree)
}

/// Prints every rule and what it asks.
pub(crate) fn list() -> Verdict {
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in RULES {
        println!("{:width$}  {}", rule.name, rule.asks);
    }
    Verdict::Clean
}

impl Rule {
    fn findings(&self, project: &Project<'_>) -> Vec<Finding> {
        let found: Vec<_> = match self.check {
            Check::File(check) => {
                project.rust.iter().flat_map(|file| check(file, project)).collect()
            }
            Check::Project(check) => check(project),
        };
        found.into_iter().map(|finding| Finding { rule: self.name, ..finding }).collect()
    }
}

impl<'a> Project<'a> {
    fn new(tree: &'a Tree, policy: &'a Policy) -> Result<Self> {
        let (mut rust, mut broken) = (Vec::new(), Vec::new());
        for source in tree.sources().filter(|source| source.has_extension("rs")) {
            match Code::parse(&source.text) {
                Ok(code) => rust.push(RustFile { source, code }),
                Err(wrong) => {
                    let message = format!("not Rust ({}); close what is open", wrong.message);
                    broken.push(Finding::new(&source.path, wrong.line, "rust", message));
                }
            }
        }
        Ok(Self { tree, policy, bans: bans::read(tree)?, rust, broken })
    }
}

impl RustFile<'_> {
    fn path(&self) -> &str {
        &self.source.path
    }

    /// Whether this is code that ships: a source file of a package that has a layer, no test.
    fn is_product(&self, policy: &Policy) -> bool {
        let in_package = self.path().strip_prefix("crates/").and_then(|path| path.split_once('/'));
        in_package.is_some_and(|(package, path)| {
            policy.product().contains(&package) && path.starts_with("src/") && !is_unit_test(path)
        })
    }

    /// Findings at every place where `pattern` stands.
    fn wherever(&self, pattern: &str, message: &str) -> Vec<Finding> {
        self.code.find(pattern).map(|index| self.at(index, message)).collect()
    }

    /// A finding at the token `index`. The table gives it the name of its rule.
    fn at(&self, index: usize, message: impl Into<String>) -> Finding {
        Finding::new(self.path(), self.code.line(index), "", message)
    }
}

/// Whether a source file holds the unit tests of a module beside it.
fn is_unit_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[cfg(test)]
mod tests;
