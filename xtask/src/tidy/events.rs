//! The events that programs emit, and the one table in the documents that lists them.

use std::collections::BTreeSet;

use super::{Project, RustFile};
use crate::code::Token;
use crate::finding::Finding;

/// The document with the table: a row for each event, with its name, its level (several, where the
/// level depends on something), and its fields.
const DOCUMENT: &str = "docs/telemetry.md";
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What is emitted somewhere, or listed in the table.
struct Event {
    name: String,
    level: String,
    fields: BTreeSet<String>,
}

impl Event {
    /// The levels that a row lists, among other words.
    fn levels(&self) -> impl Iterator<Item = &str> {
        let words = self.level.split(|c: char| !c.is_ascii_lowercase());
        words.filter(|word| LEVELS.contains(word))
    }
}

pub(super) fn event_table(project: &Project<'_>) -> Vec<Finding> {
    let rows = rows(project);
    let product = || project.rust.iter().filter(|file| file.is_product(project.policy));
    let emitted: Vec<_> = product().flat_map(emitted).collect();
    let mut findings: Vec<_> = product().flat_map(emitted_otherwise).collect();
    findings.extend(emitted.iter().filter_map(|(file, at, event)| {
        let message = match event {
            Some(event) => compare(event, &rows)?,
            None => "the name of an event is a literal, so that it can be looked for; write \
                     `\"area.what_happened\"` last"
                .to_owned(),
        };
        Some(file.at(*at, message))
    }));
    let events: Vec<_> = emitted.iter().filter_map(|(.., event)| event.as_ref()).collect();
    findings.extend(rows.iter().enumerate().filter_map(|(index, (line, row))| {
        let message = stale(row, &rows[..index], &events)?;
        Some(Finding::new(DOCUMENT, *line, "", message))
    }));
    findings
}

/// What is wrong with a row that nobody emits so.
fn stale(row: &Event, before: &[(usize, Event)], events: &[&Event]) -> Option<String> {
    let name = &row.name;
    if before.iter().any(|(_, other)| other.name == *name) {
        return Some(format!("`{name}` has a row already; join the two"));
    }
    let levels: Vec<_> = events.iter().filter(|it| it.name == *name).map(|it| &it.level).collect();
    if levels.is_empty() {
        return Some(format!("nobody emits `{name}`; remove the row, or mend its name"));
    }
    let listed = row.levels().find(|level| !levels.iter().any(|emitted| emitted == level))?;
    Some(format!("nobody emits `{name}` with the level {listed}; mend the row"))
}

/// Where something of `tracing` is used that is no event with its level. Whether anybody hears
/// those of a level may be asked: where a call takes nanoseconds, it may not take more for nobody.
fn emitted_otherwise<'a>(file: &'a RustFile<'_>) -> impl Iterator<Item = Finding> + use<'a> {
    let is_event = |at: &usize| {
        LEVELS.iter().any(|level| file.code.starts_with(*at, &format!("tracing :: {level} ! (")))
            || file.code.starts_with(*at, "tracing :: level_filters :: LevelFilter")
    };
    let other = file.code.find("tracing :: ").filter(move |at| !is_event(at));
    let message = "the table of events knows only what is written as `tracing::level!(…, \"name\")`; \
                   write an event so";
    other.map(move |at| file.at(at, message))
}

/// What is wrong with how an event is listed.
fn compare(event: &Event, rows: &[(usize, Event)]) -> Option<String> {
    let name = &event.name;
    let Some((_, row)) = rows.iter().find(|(_, row)| row.name == *name) else {
        return Some(format!("`{name}` is not in the table of {DOCUMENT}; add a row"));
    };
    if !row.levels().any(|level| level == event.level) {
        return Some(format!("{DOCUMENT} lists `{name}` without the level {}", event.level));
    }
    (row.fields != event.fields).then(|| {
        format!(
            "{DOCUMENT} lists `{name}` with the fields {:?}, not {:?}",
            row.fields, event.fields
        )
    })
}

/// The rows of the table, each with its line.
fn rows(project: &Project<'_>) -> Vec<(usize, Event)> {
    let text = project.tree.source(DOCUMENT).map_or("", |source| source.text.as_str());
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`').to_owned();
        let level = cells.next()?.to_owned();
        let fields = cells.next()?.split(", ").map(|field| field.trim_matches('`').to_owned());
        Some(Event { name, level, fields: fields.filter(|field| field != "–").collect() })
    };
    let lines = text.lines().enumerate();
    lines.filter_map(|(at, line)| Some((at + 1, row(line)?))).collect()
}

/// What a file emits and where. None where an event has no name.
fn emitted<'a>(
    file: &'a RustFile<'_>,
) -> impl Iterator<Item = (&'a RustFile<'a>, usize, Option<Event>)> {
    LEVELS.into_iter().flat_map(move |level| {
        let pattern = format!("tracing :: {level} ! (");
        let found: Vec<_> = file.code.find(&pattern).collect();
        found.into_iter().map(move |at| {
            let inside = file.code.slice(file.code.inside(at + 5));
            (file, at, event(level, inside))
        })
    })
}

fn event(level: &str, inside: &[Token]) -> Option<Event> {
    let mut arguments = arguments(inside);
    let name = arguments.pop()?.first()?.text.strip_prefix('"')?.strip_suffix('"')?;
    let is_name = |c: char| c.is_ascii_lowercase() || ['_', '.'].contains(&c);
    if !name.contains('.') || !name.chars().all(is_name) {
        return None;
    }
    let field = |argument: &[Token]| {
        let mut words = argument.iter().map(|token| token.text.as_str());
        words.find(|word| !["%", "?"].contains(word)).map(str::to_owned)
    };
    let fields = arguments.into_iter().filter_map(field).collect();
    Some(Event { name: name.to_owned(), level: level.to_owned(), fields })
}

/// The arguments of a macro: what lies between its outermost commas.
fn arguments(inside: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let arguments = inside.split(|token| {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.text == ","
    });
    arguments.filter(|argument| !argument.is_empty()).collect()
}
