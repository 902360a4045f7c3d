//! The table of codes in the documents is the one in the source.

use std::fmt::Write;

use journal::{codes, is_refused, is_unknown};

#[test]
fn the_table_in_the_documents_is_the_one_in_the_source() {
    let mut table =
        String::from("| code | category | what happened | what to do |\n|---|---|---|---|\n");
    for code in codes::ALL {
        let category = format!("{:?}", code.category).to_lowercase();
        let (name, meaning, action) = (code.name, code.meaning, code.action);
        writeln!(table, "| `{name}` | {category} | {meaning} | {action} |").unwrap();
    }
    let document = include_str!("../../../../docs/journal.md");
    assert!(document.contains(&table), "docs/journal.md should hold\n{table}");
}

#[test]
fn codes_are_in_order_and_no_code_is_of_foundation() {
    assert!(codes::ALL.is_sorted_by(|a, b| a.name < b.name), "by name");
    for code in foundation::codes::ALL {
        assert!(codes::ALL.iter().all(|ours| ours.name != code.name), "{} twice", code.name);
    }
}

#[test]
fn no_error_says_of_an_append_that_it_is_refused_and_unknown() {
    for code in codes::ALL {
        let error = foundation::Error::from(*code);
        assert!(!(is_refused(&error) && is_unknown(&error)), "{}", code.name);
    }
}
