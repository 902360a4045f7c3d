//! The table of codes in the documents is the one in the source.

use std::fmt::Write;

use foundation::codes;

#[test]
fn the_table_in_the_documents_is_the_one_in_the_source() {
    let mut table =
        String::from("| code | category | what happened | what to do |\n|---|---|---|---|\n");
    for code in codes::ALL {
        let category = format!("{:?}", code.category).to_lowercase();
        let (name, meaning, action) = (code.name, code.meaning, code.action);
        writeln!(table, "| `{name}` | {category} | {meaning} | {action} |").unwrap();
    }
    let document = include_str!("../../../../../docs/errors.md");
    assert!(document.contains(&table), "docs/errors.md should hold\n{table}");
}
