//! Times as RFC 3339 writes them.

use std::borrow::Cow;

use jiff::Timestamp;

/// How many digits of a second there are to a nanosecond.
const NANOSECOND: usize = 9;
/// Where the fraction of a second begins, if there is one.
const FRACTION: usize = "2018-04-05T17:31:00".len();
/// What is before it: a `0` is any digit.
const SHAPE: &[u8] = b"0000-00-00T00:00:00";

/// The time that a text says, in any offset; none where it says none by RFC 3339, or one that is
/// not in the years 0 to 9999. What is finer than a nanosecond is cut off, and a leap second is the
/// one before it.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (moment, rest) = text.split_at_checked(FRACTION)?;
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte.eq_ignore_ascii_case(shape),
    };
    if !moment.bytes().zip(SHAPE).all(fits) {
        return None;
    }
    let (digits, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, offset) = rest.split_at(end);
            (!digits.is_empty()).then_some((digits, offset))?
        }
        None => ("", rest),
    };
    if !is_offset(offset) {
        return None;
    }
    let text = match digits.get(..NANOSECOND) {
        Some(known) if digits.len() > NANOSECOND => Cow::Owned(format!("{moment}.{known}{offset}")),
        _ => Cow::Borrowed(text),
    };
    text.parse().ok()
}

/// Whether it is `Z`, or hours and minutes.
fn is_offset(text: &str) -> bool {
    let number = |from: usize, below: u8| {
        let digits = text.get(from..from + 2)?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u8>().ok().filter(|number| all_digits && *number < below)
    };
    match text.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', _, _, b':', _, _] => number(1, 24).is_some() && number(4, 60).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    //! Texts that are times, which ones, and texts that are none.

    use super::parse;

    #[test]
    fn a_time_in_any_offset_is_the_same_moment() {
        for (text, moment) in [
            ("2018-04-05T17:31:00Z", "2018-04-05T17:31:00Z"),
            ("2018-04-05t17:31:00z", "2018-04-05T17:31:00Z"),
            ("2018-04-05T19:31:00+02:00", "2018-04-05T17:31:00Z"),
            ("2018-04-05T17:31:00-00:00", "2018-04-05T17:31:00Z"),
            ("2018-04-06T17:30:00+23:59", "2018-04-05T17:31:00Z"),
            ("2018-04-05T17:31:00.5Z", "2018-04-05T17:31:00.5Z"),
            ("2018-04-05T17:31:00.123456789Z", "2018-04-05T17:31:00.123456789Z"),
            ("2018-04-05T17:31:00.12345678999999Z", "2018-04-05T17:31:00.123456789Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), moment, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_seen() {
        for text in [
            "",
            "not-a-time",
            "2018-04-05",
            "2018-04-05T17:31Z",
            "2018-04-05T17:31:00",
            "2018-04-05 17:31:00Z",
            "20180405T173100Z",
            "2018-04-05T17:31:00.Z",
            "2018-04-05T17:31:00.5",
            "2018-04-05T17:31:00,5Z",
            "2018-04-05T17:31:00+02",
            "2018-04-05T17:31:00+0200",
            "2018-04-05T17:31:00+24:00",
            "2018-04-05T17:31:00+02:60",
            "2018-04-05T17:31:00+é:00",
            "2018-04-05T17:31:00++1:00",
            "2018-04-05T17:31:00Z[Europe/Berlin]",
            "2018-04-05T24:00:00Z",
            "2018-04-05T17:60:00Z",
            "2018-04-05T17:31:61Z",
            "2018-13-05T17:31:00Z",
            "2018-02-29T17:31:00Z",
            "2018-04-05T17:31:00ZZ",
            " 2018-04-05T17:31:00Z",
            "-000001-04-05T17:31:00Z",
            "１018-04-05T17:31:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
