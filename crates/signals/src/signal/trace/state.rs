//! What systems for traces have written beside a context: members of a name and a value.

/// How long it may be, in bytes: what everybody hands on.
const LONGEST: usize = 512;
/// How many members it may have, by the recommendation.
const MEMBERS: usize = 32;
/// How long the name or the value of a member may be, by the recommendation.
const LONGEST_PART: usize = 256;
/// How long what is before and after the `@` of a name may be, by the recommendation.
const LONGEST_TENANT: usize = 241;
const LONGEST_SYSTEM: usize = 14;

/// Whether a text is such a list, not an empty one.
pub(super) fn is_valid(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let mut names = Vec::new();
    for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        // Nothing between two commas is let through.
        if member.is_empty() {
            continue;
        }
        let Some((name, value)) = member.split_once('=') else { return false };
        if !is_name(name) || !is_value(value) || names.contains(&name) {
            return false;
        }
        names.push(name);
    }
    !names.is_empty() && names.len() <= MEMBERS
}

fn is_name(name: &str) -> bool {
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase());
    match name.split_once('@') {
        Some((tenant, system)) => {
            (begins(tenant) || tenant.starts_with(|c: char| c.is_ascii_digit()))
                && is_part(tenant, LONGEST_TENANT)
                && begins(system)
                && is_part(system, LONGEST_SYSTEM)
        }
        None => begins(name) && is_part(name, LONGEST_PART),
    }
}

fn is_part(part: &str, longest: usize) -> bool {
    let may_be =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
    part.len() <= longest && part.bytes().all(may_be)
}

fn is_value(value: &str) -> bool {
    let may_be = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    !value.is_empty() && value.len() <= LONGEST_PART && value.bytes().all(may_be)
}
