//! Links that lead somewhere, and links that do not.

use super::check;
use crate::tree::Tree;

fn findings(readme: &str) -> Vec<String> {
    let style = "# Style\n\n## Names, and `words`\n";
    let tree = Tree::of(&[("README.md", readme), ("docs/style.md", style), ("docs/a b.md", "")]);
    check(&tree).iter().map(ToString::to_string).collect()
}

#[test]
fn accepts_links_to_files_folders_headings_and_other_hosts() {
    let fine = "# Top\n[a](docs/style.md) [b](docs) [c](docs/style.md#names-and-words) [d](#top)\n\
                [e](https://example.org/x#y) [f](./docs/../docs/style.md#style) [g](<docs/a b.md>)";
    assert_eq!(findings(fine), [""; 0]);
}

#[test]
fn names_file_and_line_of_a_link_to_a_missing_file() {
    let found = findings("# Top\n\nSee\n[the guide](docs/guide.md).\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("README.md:4: link: `docs/guide.md` leads to"), "{}", found[0]);
}

#[test]
fn names_the_headings_there_are_when_one_is_missing() {
    let found = findings("[a](docs/style.md#name)");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("names-and-words, style"), "{}", found[0]);
}

#[test]
fn does_not_take_code_for_links() {
    assert_eq!(findings("`[a](gone.md)`\n\n```text\n[b](gone.md)\n```\n"), [""; 0]);
}

#[test]
fn sees_links_in_tables_and_references() {
    let found = findings("| a |\n|---|\n| [x](gone.md) |\n\n[y][ref]\n\n[ref]: lost.md\n");
    assert_eq!(found.len(), 2, "{found:?}");
}
