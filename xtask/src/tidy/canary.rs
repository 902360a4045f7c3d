//! Every ban has a name, and a canary that really does what is banned.

use super::exceptions::CANARY;
use super::{Project, RustFile};
use crate::bans::{self, Ban};
use crate::code::{Code, string};
use crate::finding::Finding;

pub(super) fn check(project: &Project<'_>) -> Vec<Finding> {
    let canary = project.rust.iter().find(|file| file.path() == CANARY);
    let lines = canary.map(lines).unwrap_or_default();
    let mut findings = Vec::new();
    for ban in &project.bans {
        if ban.name.is_empty() {
            let message = format!("`{}` has no name; write `ban: NAME; what to use`", ban.path);
            findings.push(Finding::new(bans::FILE, ban.line, "", message));
        }
        if !lines.iter().any(|line| line.names == ban.path) {
            let message = format!(
                "nothing proves that the ban of `{}` fires; add a line to {CANARY}",
                ban.path
            );
            findings.push(Finding::new(bans::FILE, ban.line, "", message));
        }
    }
    for line in &lines {
        let known = |ban: &Ban| ban.path == line.names;
        if !project.bans.iter().any(known) {
            let message = format!("`{}` is not banned in {}", line.names, bans::FILE);
            findings.push(Finding::new(CANARY, line.number, "", message));
        } else if !line.uses {
            let message = format!("says `{}` and does something else; spell it out", line.names);
            findings.push(Finding::new(CANARY, line.number, "", message));
        }
    }
    findings
}

/// One line of the canary: `"path" => a use of that path;`.
struct Line {
    names: String,
    number: usize,
    /// Whether the path stands in the use.
    uses: bool,
}

fn lines(file: &RustFile<'_>) -> Vec<Line> {
    let code: &Code = &file.code;
    let arrows = code.find("= >").filter_map(|arrow| {
        let label = arrow.checked_sub(1)?;
        let names = string(&code.slice(label..arrow).first()?.text)?.to_owned();
        let body = code.slice(arrow + 2..usize::MAX).iter().take_while(|token| token.text != ";");
        let length = body.count();
        let pattern = names.replace("::", " :: ");
        let uses = (arrow + 2..arrow + 2 + length).any(|at| code.starts_with(at, &pattern));
        Some(Line { names, number: code.line(label), uses })
    });
    arrows.collect()
}
