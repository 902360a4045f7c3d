//! What the documents name is there.

use std::collections::BTreeSet;

use signals::{Bus, Delivery, Draft, Pattern, Published, WhenFull};

/// Each of these is there, or this does not compile; as it is written.
macro_rules! there {
    ($($path:path),* $(,)?) => {{
        $(let _ = $path;)*
        [$(stringify!($path)),*]
    }};
}

/// What is written as `Type::name` in running text; code is compiled.
fn named(document: &str) -> BTreeSet<&str> {
    let text = document.split("```").step_by(2);
    let quoted = text.flat_map(|text| text.split('`').skip(1).step_by(2));
    let is_path = |quoted: &&str| {
        quoted.starts_with(char::is_uppercase)
            && quoted.split("::").count() == 2
            && quoted.chars().all(|it| it.is_alphanumeric() || "_:".contains(it))
    };
    quoted.filter(is_path).collect()
}

/// B10: no call is described that does not exist. What is code in the documents is compiled, and
/// what is a link is checked; this is about the rest.
#[test]
fn whatever_the_document_names_is_there() {
    let there = there![
        Bus::durable,
        Bus::forget,
        Delivery::acknowledge,
        Draft::caused_by,
        Pattern::specificity,
        Published::middleware_failures,
        WhenFull::LeaveOut,
    ];
    let named = named(include_str!("../../../../docs/signals.md"));
    let there = there.map(|path| path.replace(' ', ""));
    let missing: Vec<_> = named.iter().filter(|name| !there.iter().any(|it| it == *name)).collect();
    assert!(
        !named.is_empty() && missing.is_empty(),
        "add to the list, if they are there: {missing:?}"
    );
}
