//! The exceptions to the bans: the code's own word against the table, both ways.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Project, RustFile};
use crate::bans;
use crate::code::{Token, string};
use crate::finding::Finding;
use crate::policy::{EXCEPTIONS, LINTS};
use crate::rendered::Part;

/// The lints that carry bans.
const BAN_LINTS: [&str; 4] =
    ["await_holding_invalid_type", "disallowed_macros", "disallowed_methods", "disallowed_types"];
/// The one file that does everything banned, to prove that it is found.
pub(super) const CANARY: &str = "xtask/src/canary.rs";

pub(super) fn check(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for file in project.rust.iter().filter(|file| file.path() != CANARY) {
        for attribute in attributes(file) {
            match judge(file, &attribute, project) {
                Ok(names) => {
                    used.extend(names.into_iter().map(|name| (file.path().to_owned(), name)));
                }
                Err(message) => findings.push(file.at(attribute.at, message)),
            }
        }
    }
    findings.extend(unused(project, &used));
    findings
}

/// The bans, what to use instead, and who may do it all the same.
pub(super) fn table(project: &Project<'_>) -> Part {
    let mut text =
        String::from("| ban | why, and what instead | who may all the same |\n|---|---|---|\n");
    let mut shown = BTreeSet::new();
    for ban in project.bans.iter().filter(|ban| shown.insert(&ban.name)) {
        let exceptions = &project.policy.exceptions.ban;
        let excepted = exceptions.iter().filter(|exception| exception.bans.contains(&ban.name));
        let who = excepted.map(|e| format!("`{}`: {}", e.file, e.reason)).collect::<Vec<_>>();
        let who = if who.is_empty() { "nobody".to_owned() } else { who.join("<br>") };
        let _ = writeln!(text, "| `{}` | {} | {who} |", ban.name, ban.instead);
    }
    Part {
        document: "docs/style.md",
        shows: "the bans, from .clippy.toml and xtask/policy/exceptions.toml",
        command: "cargo xtask tidy --write",
        text,
    }
}

/// An attribute that changes the level of a lint which carries bans.
struct Attribute {
    at: usize,
    /// `expect`, `allow`, `warn` …
    level: String,
    /// Whether it holds for the whole file (`#![…]`).
    inner: bool,
    reason: Option<String>,
}

fn attributes(file: &RustFile<'_>) -> Vec<Attribute> {
    let places = file.code.find("#").filter_map(|at| {
        let inner = file.code.starts_with(at + 1, "!");
        let open = at + 1 + usize::from(inner);
        file.code.starts_with(open, "[").then(|| (at, inner, file.code.inside(open)))
    });
    let bans = places.filter_map(|(at, inner, inside)| {
        let tokens = file.code.slice(inside);
        let named = tokens.iter().any(|token| BAN_LINTS.contains(&token.text.as_str()));
        named.then(|| Attribute {
            at,
            level: tokens[0].text.clone(),
            inner,
            reason: reason(tokens),
        })
    });
    bans.collect()
}

fn reason(tokens: &[Token]) -> Option<String> {
    let at = tokens.iter().position(|token| token.text == "reason")?;
    string(&tokens.get(at + 2)?.text).map(str::to_owned)
}

/// The bans that `attribute` excuses, or what is wrong with it.
fn judge(
    file: &RustFile<'_>,
    attribute: &Attribute,
    project: &Project<'_>,
) -> Result<Vec<String>, String> {
    if attribute.level != "expect" {
        return Err(format!(
            "`{}` hides a ban for ever; write `#[expect(…, reason = \"ban: NAME, why\")]`",
            attribute.level
        ));
    }
    if attribute.inner {
        return Err("excuses a whole file; put it on the smallest item that needs it".to_owned());
    }
    let reason = attribute.reason.as_deref().unwrap_or_default();
    let names = bans::excused(reason, &project.bans);
    if names.is_empty() {
        return Err(format!(
            "the reason names no ban of {}; write `reason = \"ban: NAME, why\"`",
            bans::FILE
        ));
    }
    let permitted = project.policy.exceptions.ban.iter().filter(|e| e.file == file.path());
    let permitted: Vec<_> = permitted.flat_map(|exception| &exception.bans).collect();
    let refused = names.iter().find(|name| !permitted.iter().any(|permit| permit == *name));
    match refused {
        None => Ok(names.into_iter().map(str::to_owned).collect()),
        Some(name) => {
            let instead = project.bans.iter().find(|ban| ban.name == *name);
            let instead = instead.map_or("", |ban| ban.instead.as_str());
            Err(format!(
                "this file may not do what `{name}` bans: {instead}; \
                 a new exception is a decision for {EXCEPTIONS}"
            ))
        }
    }
}

/// Entries of the table that no code needs, or that name what does not exist.
fn unused(project: &Project<'_>, used: &BTreeSet<(String, String)>) -> Vec<Finding> {
    let table = project.tree.source(EXCEPTIONS).map(|source| source.text.as_str());
    let table = table.unwrap_or_default();
    let line_of = |file: &str| {
        let entry = table.find(&format!("file = \"{file}\"")).unwrap_or(0);
        crate::document::line_at(table, entry)
    };
    let mut findings = Vec::new();
    for exception in &project.policy.exceptions.ban {
        let needed = |name: &&String| used.contains(&(exception.file.clone(), (*name).clone()));
        for name in exception.bans.iter().filter(|name| !needed(name)) {
            let message = format!("{} does not need `{name}`; remove it", exception.file);
            findings.push(Finding::new(EXCEPTIONS, line_of(&exception.file), "", message));
        }
    }
    let exceptions = &project.policy.exceptions;
    let bans = exceptions.ban.iter().map(|exception| (&exception.file, &exception.reason));
    let files = exceptions.real_time.iter().chain(&exceptions.global_state);
    for (file, reason) in bans.chain(files.map(|exception| (&exception.file, &exception.reason))) {
        let message = if !project.tree.contains(file) {
            format!("{file} does not exist; remove it")
        } else if reason.trim().is_empty() {
            format!("{file} has no reason; say what it needs")
        } else {
            continue;
        };
        findings.push(Finding::new(EXCEPTIONS, line_of(file), "", message));
    }
    let lint = |lint: &&String| {
        let name = lint.rsplit("::").next().unwrap_or_default();
        BAN_LINTS.contains(&name)
    };
    for dropped in project.policy.lints.product_only.keys().filter(lint) {
        let message = format!("{dropped} carries the bans, which hold everywhere; remove it");
        findings.push(Finding::new(LINTS, 1, "", message));
    }
    findings
}
