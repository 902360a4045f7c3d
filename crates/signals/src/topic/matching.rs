//! Whether a type matches a pattern, one segment after the other, without a router.

/// The segment that stands for exactly one.
pub(crate) const ONE: &str = "*";
/// The segment that stands for any number, and for none.
pub(crate) const MANY: &str = "**";

/// Whether `topic` matches `pattern`, both of which are valid.
///
/// It takes a step back to the last `**` only: whatever an earlier one could still take, that one
/// can take as well. So it looks at no more than the product of both lengths, whoever chose them.
pub(super) fn matches(pattern: &str, topic: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('.'), topic.split('.'));
    // What is wanted after the last `**`, and what is given after all that it has taken so far.
    let mut again = None;
    loop {
        let before = given.clone();
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(MANY), _) => {
                given = before;
                again = Some((wanted.clone(), given.clone()));
                continue;
            }
            (Some(segment), Some(other)) if segment == ONE || segment == other => continue,
            _ => {}
        }
        let Some((after, mut taken)) = again.take() else { return false };
        if taken.next().is_none() {
            return false;
        }
        (wanted, given) = (after.clone(), taken.clone());
        again = Some((after, taken));
    }
}

/// How specific a pattern is; see [`super::Pattern::specificity`].
pub(super) fn specificity(pattern: &str) -> i64 {
    let mut places = 0..;
    let segments = pattern.split('.').count();
    let count = i64::try_from(segments).unwrap_or(i64::MAX);
    let of_segments = pattern.split('.').map(|segment| {
        let place = places.next().unwrap_or(0);
        match segment {
            MANY => -(2000 - 200 * place),
            ONE => -(1000 - 100 * place),
            _ => 3000 * (count - place),
        }
    });
    2000 * count + of_segments.sum::<i64>()
}

/// How specific a pattern of so many segments is, none of which is a wildcard.
pub(crate) fn specificity_of_literal(segments: usize) -> i64 {
    let count = i64::try_from(segments).unwrap_or(i64::MAX);
    2000 * count + 1500 * count * (count + 1)
}
