//! The table of codes in the documents is the one in the source.

use std::fmt::Write;

use signals::codes;

#[test]
fn the_table_in_the_documents_is_the_one_in_the_source() {
    let mut table =
        String::from("| code | category | what happened | what to do |\n|---|---|---|---|\n");
    for code in codes::ALL {
        let category = format!("{:?}", code.category).to_lowercase();
        let (name, meaning, action) = (code.name, code.meaning, code.action);
        writeln!(table, "| `{name}` | {category} | {meaning} | {action} |").unwrap();
    }
    let document = include_str!("../../../../docs/signals.md");
    assert!(document.contains(&table), "docs/signals.md should hold\n{table}");
}

#[test]
fn codes_are_in_order_and_no_code_is_of_foundation() {
    assert!(codes::ALL.is_sorted_by(|a, b| a.name < b.name), "by name");
    for code in foundation::codes::ALL {
        assert!(codes::ALL.iter().all(|ours| ours.name != code.name), "{} twice", code.name);
    }
}
