//! Folders of golden files that are right, wrong, and incomplete.

use foundation::{Error, Result};

use super::check_golden;
use crate::upcast::Upcasts;

/// Two adds a currency, three a sign in front.
fn balances() -> Upcasts {
    let builder = Upcasts::builder("balance", 3);
    let builder = builder.step(1, |bytes| Ok([&bytes, b" EUR".as_slice()].concat()));
    builder.step(2, |bytes| Ok([b"+".as_slice(), &bytes].concat())).build().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, golden files are made for a test")]
fn checked(files: &[(&str, &str)], upcasts: &Upcasts) -> Result<usize> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    check_golden(folder.path(), upcasts)
}

/// The code, and the name of the file that the error is about.
fn about(error: &Error) -> (String, String) {
    let file = error.details()["file"].as_str().unwrap();
    let says = ["invalid_options", "store_error"].contains(&error.code());
    assert!(!says || error.message().contains(file), "{error}");
    let name = std::path::Path::new(file).file_name().unwrap().to_str().unwrap();
    (error.code().to_owned(), name.to_owned())
}

const RIGHT: [(&str, &str); 5] = [
    ("savings.v1.bin", "10"),
    ("savings.v2.bin", "10 EUR"),
    ("savings.v3.bin", "+10 EUR"),
    ("abroad.v2.bin", "10 USD"),
    ("abroad.v3.bin", "+10 USD"),
];

#[test]
fn samples_of_every_version_become_the_newest_and_are_counted() {
    assert_eq!(checked(&RIGHT, &balances()).unwrap(), 5);
    let newest_only = Upcasts::builder("balance", 1).build().unwrap();
    assert_eq!(checked(&[("new.v1.bin", "")], &newest_only).unwrap(), 1, "an empty payload is one");
}

#[test]
fn each_file_that_is_missing_is_named() {
    for (missing, _) in RIGHT {
        let rest: Vec<_> = RIGHT.into_iter().filter(|(name, _)| *name != missing).collect();
        let error = checked(&rest, &balances());
        match missing {
            // Without it no sample begins with the oldest version.
            "savings.v1.bin" => {
                let error = error.unwrap_err();
                assert_eq!(error.code(), "invalid_options");
                assert!(error.message().contains("NAME.v1.bin"), "{error}");
            }
            // Another sample begins as early.
            "abroad.v2.bin" => assert_eq!(error.unwrap(), 4),
            name => {
                let expected = ("invalid_options".to_owned(), name.to_owned());
                assert_eq!(about(&error.unwrap_err()), expected);
            }
        }
    }
    let error = checked(&[], &balances()).unwrap_err();
    assert!(error.message().contains("NAME.v1.bin"), "an empty folder tests nothing: {error}");
}

#[test]
fn a_step_that_makes_something_else_is_found_at_its_version() {
    let builder = Upcasts::builder("balance", 3);
    let builder = builder.step(1, |bytes| Ok([&bytes, b" USD".as_slice()].concat()));
    let wrong = builder.step(2, |bytes| Ok([b"+".as_slice(), &bytes].concat())).build().unwrap();
    let error = checked(&RIGHT, &wrong).unwrap_err();
    assert_eq!(about(&error), ("upcast_failed".to_owned(), "savings.v1.bin".to_owned()));
    let said = "from byte 4 on \"USD\" in place of \"EUR\"";
    assert!(error.message().ends_with(said), "{error}");
    for (shorter, longer) in [("10", "10 EUR"), ("10 EUR", "10")] {
        let same = Upcasts::builder("balance", 2).step(1, Ok).build().unwrap();
        let files = [("savings.v1.bin", shorter), ("savings.v2.bin", longer)];
        let error = checked(&files, &same).unwrap_err();
        assert!(error.message().contains("from byte 2 on"), "{error}");
    }
}

#[test]
fn a_step_that_fails_names_the_file() {
    let refuse = |_| Err(Error::validation("no_currency"));
    let upcasts = Upcasts::builder("balance", 2).step(1, refuse).build().unwrap();
    let files = [("savings.v1.bin", "10"), ("savings.v2.bin", "10 EUR")];
    let error = checked(&files, &upcasts).unwrap_err();
    assert_eq!(about(&error), ("upcast_failed".to_owned(), "savings.v1.bin".to_owned()));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn files_of_versions_that_are_not_read_are_errors() {
    let newer = [RIGHT.as_slice(), &[("savings.v4.bin", "")]].concat();
    let error = checked(&newer, &balances()).unwrap_err();
    assert_eq!(about(&error), ("schema_newer".to_owned(), "savings.v4.bin".to_owned()));
    let older = [RIGHT.as_slice(), &[("savings.v0.bin", "")]].concat();
    let error = checked(&older, &balances()).unwrap_err();
    assert_eq!(about(&error), ("schema_unknown".to_owned(), "savings.v0.bin".to_owned()));
}

#[test]
fn other_names_and_folders_that_are_not_there_are_errors() {
    for name in ["savings.bin", "savings.v01.bin", "savings.v70000.bin", "savings.v1", "v1.bin"] {
        let error = checked(&[(name, "10")], &balances()).unwrap_err();
        assert_eq!(about(&error), ("invalid_options".to_owned(), name.to_owned()));
    }
    let folder = tempfile::tempdir().unwrap();
    let error = check_golden(&folder.path().join("nothing"), &balances()).unwrap_err();
    assert_eq!(about(&error), ("store_error".to_owned(), "nothing".to_owned()));
}
