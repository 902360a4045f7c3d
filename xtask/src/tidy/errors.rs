//! One error type: what a public function may return when it fails (behaviour ERR-1).

use super::{Project, RustFile};
use crate::code::{Code, Token};
use crate::finding::Finding;

/// Paths before `Result` that lead to ours, or to that of a foreign trait.
const PATHS: [&str; 4] = ["foundation", "crate", "error", "fmt"];
/// What may stand in place of an error: it hands back what could not be sent.
const HANDED_BACK: &str = "Unsent";

pub(super) fn one_error_type(file: &RustFile<'_>, project: &Project<'_>) -> Vec<Finding> {
    if !file.is_product(project.policy) {
        return Vec::new();
    }
    let message = "a public function fails with something else than the one error type; return \
                   `foundation::Result`, or hand an unsent message back as `Unsent`";
    let public = file.code.find("fn").filter(|at| is_public(&file.code, *at));
    let other = public.filter(|at| {
        let returned = returned(&file.code, *at);
        (0..returned.len()).any(|at| returned[at].text == "Result" && !is_ours(returned, at))
    });
    other.map(|at| file.at(at, message)).collect()
}

/// Whether the function at `at` is `pub` without a restriction.
fn is_public(code: &Code, at: usize) -> bool {
    let mut before = code.slice(at.saturating_sub(4)..at).iter().rev().map(|t| t.text.as_str());
    before.find(|word| !["const", "async"].contains(word)) == Some("pub")
}

/// The tokens of what the function at `at` returns.
fn returned(code: &Code, at: usize) -> &[Token] {
    let tokens = code.slice(at..usize::MAX);
    let mut depth = 0_usize;
    let parameters = tokens.iter().enumerate().find_map(|(index, token)| {
        let arrow = index.checked_sub(1).is_some_and(|before| tokens[before].text == "-");
        match token.text.as_str() {
            "<" => depth += 1,
            ">" if !arrow => depth = depth.saturating_sub(1),
            "(" if depth == 0 => return Some(index),
            _ => {}
        }
        None
    });
    let Some(parameters) = parameters else { return &[] };
    let after = code.inside(at + parameters).end + 1;
    if !code.starts_with(after, "- >") {
        return &[];
    }
    let returned = code.slice(after + 2..usize::MAX);
    let ends = |token: &Token| ["{", ";", "where"].contains(&token.text.as_str());
    returned.split(ends).next().unwrap_or_default()
}

/// Whether the `Result` at `at` is ours: by its path, or because it has no second parameter, or one
/// that hands something back.
fn is_ours(tokens: &[Token], at: usize) -> bool {
    let path = at.checked_sub(3).filter(|_| tokens[at - 1].text == ":").map(|at| &tokens[at].text);
    if let Some(path) = path
        && path != "result"
    {
        return PATHS.contains(&path.as_str());
    }
    let (mut angles, mut brackets) = (0_usize, 0_usize);
    for (index, token) in tokens.iter().enumerate().skip(at + 1) {
        match token.text.as_str() {
            "<" => angles += 1,
            ">" if tokens[index - 1].text != "-" => angles = angles.saturating_sub(1),
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            "," if (angles, brackets) == (1, 0) => {
                return tokens.get(index + 1).is_some_and(|token| token.text == HANDED_BACK);
            }
            _ => {}
        }
        if angles == 0 {
            break;
        }
    }
    true
}
