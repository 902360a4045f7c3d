//! Names in the ban list and in exceptions.

use super::{Ban, excused, parse};
use crate::tree::Source;

fn list(text: &str) -> Vec<Ban> {
    parse(&Source { path: super::FILE.to_owned(), text: text.to_owned() }).unwrap()
}

#[test]
fn reads_path_name_and_line_of_every_ban() {
    let bans = list(
        "disallowed-methods = [\n  { path = \"a::b\", reason = \"ban: letters; use c\" },\n]\n\
         await-holding-invalid-types = [\n  { path = \"d::E\", reason = \"none\" },\n]\n",
    );
    let read = bans.iter().map(|ban| (&*ban.path, &*ban.name, &*ban.instead, ban.line));
    let expected = [("a::b", "letters", "use c", 2), ("d::E", "", "", 5)];
    assert_eq!(read.collect::<Vec<_>>(), expected);
}

#[test]
fn reads_the_names_an_exception_gives_and_stops_at_the_why() {
    let bans = list(
        "disallowed-methods = [{ path = \"a\", reason = \"ban: std::fs; x\" },\n\
         { path = \"b\", reason = \"ban: clock; x\" }]",
    );
    assert_eq!(excused("ban: std::fs, clock, reads a tree, std::fs", &bans), ["std::fs", "clock"]);
    assert_eq!(excused("ban: clocks, tells the time", &bans), [""; 0]);
    assert_eq!(excused("reads the tree", &bans), [""; 0]);
}
