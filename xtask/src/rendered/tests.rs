//! A rendered part in its document.

use super::Part;
use crate::tree::Tree;

const DOCUMENT: &str = "# Words\n\n<!-- words; rendered by `render` -->\n\none\n\n\
                        <!-- end of what is rendered -->\n\nAfter.\n";

fn part(text: &str) -> Part {
    let (document, shows, command) = ("docs/words.md", "words", "render");
    Part { document, shows, command, text: text.to_owned() }
}

fn finding(part: &Part, document: &str) -> Option<String> {
    let tree = Tree::of(&[("docs/words.md", document)]);
    part.check(&tree, "words").unwrap().map(|finding| finding.to_string())
}

#[test]
fn is_silent_when_the_document_shows_what_the_data_says() {
    assert_eq!(finding(&part("one\n"), DOCUMENT), None);
}

#[test]
fn names_the_first_line_that_differs_and_the_command_that_mends_it() {
    let expected = "docs/words.md:5: words: not what its source says; run `render`";
    assert_eq!(finding(&part("two\n"), DOCUMENT).as_deref(), Some(expected));
}

#[test]
fn changes_only_what_stands_between_the_marks() {
    let mended = part("two\nthree\n").insert(DOCUMENT).unwrap();
    assert_eq!(mended, DOCUMENT.replace("one\n", "two\nthree\n"));
    assert_eq!(finding(&part("two\nthree\n"), &mended), None);
}

#[test]
fn asks_for_the_marks_when_they_are_missing() {
    let error = part("one\n").insert("# Words\n").unwrap_err().to_string();
    assert!(error.starts_with("docs/words.md: needs a line `<!-- words;"), "{error}");
}
