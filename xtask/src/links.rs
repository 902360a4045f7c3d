//! The links of the documents: each leads to a file, or a heading, that is there.
//!
//! Links to other hosts are not followed: a check must not depend on them being up.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::document::line_at;
use crate::finding::Finding;
use crate::tree::{Source, Tree};

/// Links that lead nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.sources().filter(|source| source.has_extension("md"));
    documents.flat_map(|document| broken(document, tree)).collect()
}

fn broken(document: &Source, tree: &Tree) -> Vec<Finding> {
    let events = Parser::new_ext(&document.text, Options::ENABLE_TABLES).into_offset_iter();
    let links = events.filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some((dest_url.into_string(), range.start))
        }
        _ => None,
    });
    let finding = |(link, offset): (String, usize)| {
        let message = wrong(document, &link, tree)?;
        Some(Finding::new(&document.path, line_at(&document.text, offset), "link", message))
    };
    links.filter_map(finding).collect()
}

/// What is wrong with `link`, if anything is.
fn wrong(document: &Source, link: &str, tree: &Tree) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.path.clone() } else { join(&document.path, path) };
    if !target.is_empty() && !tree.contains(&target) {
        return Some(format!("`{link}` leads to {target}, which does not exist; mend the path"));
    }
    if heading.is_empty() {
        return None;
    }
    let headings = tree.source(&target).map(|source| anchors(&source.text)).unwrap_or_default();
    (!headings.contains(heading)).then(|| {
        let there: Vec<_> = headings.into_iter().collect();
        format!("`{link}`: {target} has no such heading; it has: {}", there.join(", "))
    })
}

/// `link` as seen from the document at `from`, as a path from the root.
fn join(from: &str, link: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The anchors of the headings of `text`, as the usual renderers of Markdown make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let words = heading.take().unwrap_or_default().to_lowercase();
                let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
            }
            _ => {}
        }
    }
    anchors
}

#[cfg(test)]
mod tests;
