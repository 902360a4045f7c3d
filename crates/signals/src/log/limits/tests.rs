//! What fits, to the byte.

use super::*;

fn change(key: usize, value: usize) -> PartChange {
    PartChange { key: "k".repeat(key), value: Some(vec![7; value]) }
}

fn problem(owner: &str, changes: &[PartChange]) -> Option<String> {
    let error = check_parts(owner, changes).err()?;
    assert_eq!(error.code(), "invalid_part");
    Some(error.message().to_owned())
}

#[test]
fn what_is_at_its_limit_fits_and_no_more() {
    let owner = "o".repeat(MAX_PART_OWNER);
    assert_eq!(problem(&owner, &[]), None);
    assert!(problem(&(owner + "o"), &[]).unwrap().contains("owner"));
    assert!(problem("", &[]).unwrap().contains("owner"));
    assert_eq!(problem("o", &[change(MAX_PART_KEY, 0)]), None);
    assert!(problem("o", &[change(MAX_PART_KEY + 1, 0)]).unwrap().contains("key"));
    assert!(problem("o", &[change(1, 0), change(0, 0)]).unwrap().contains("key"));
    let many = vec![change(1, 0); MAX_PART_CHANGES + 1];
    assert_eq!(problem("o", &many[1..]), None);
    assert!(problem("o", &many).unwrap().contains("1024"));
    let half = MAX_PART_BYTES / 2;
    assert_eq!(problem("o", &[change(1, half - 1), change(1, half - 1)]), None);
    assert!(problem("o", &[change(1, half - 1), change(1, half)]).unwrap().contains("MiB"));
}

#[test]
fn an_error_shows_the_key_shortened() {
    let error = check_parts("o", &[change(1000, 0)]).unwrap_err();
    assert!(error.details()["key"].as_str().unwrap().len() < 100);
}
