//! Texts in headers: what is not a visible letter of ASCII is written as `%` and two digits.

use std::borrow::Cow;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// A text as it is written.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'%';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let digit = |value: u8| DIGITS.get(usize::from(value)).map_or('0', |digit| char::from(*digit));
    let mut written = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if is_plain(byte) {
            written.push(char::from(byte));
        } else {
            written.extend(['%', digit(byte >> 4), digit(byte & 0xF)]);
        }
    }
    Cow::Owned(written)
}

/// The text that is written so, or within quotation marks as in earlier versions of the
/// specification; none where it is neither, or not UTF-8.
pub(crate) fn decode(written: &str) -> Option<String> {
    let plain = unquote(written)?;
    if !plain.contains('%') {
        return Some(plain.into_owned());
    }
    let mut bytes = plain.bytes();
    let mut text = Vec::with_capacity(plain.len());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => (digit(bytes.next()?)? << 4) | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(text).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What is within quotation marks, if it is all within them.
fn unquote(written: &str) -> Option<Cow<'_, str>> {
    let Some(quoted) = written.strip_prefix('"') else { return Some(Cow::Borrowed(written)) };
    let mut text = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => return letters.as_str().is_empty().then_some(Cow::Owned(text)),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    //! Texts as they are written, and what cannot be read.

    use super::{decode, encode};

    #[test]
    fn what_is_not_visible_ascii_is_written_as_digits() {
        for (text, written) in [
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("\"100%\"", "%22100%25%22"),
            ("a\u{7f}b\u{85}", "a%7Fb%C2%85"),
            ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            ("", ""),
        ] {
            assert_eq!(encode(text), written);
            assert_eq!(decode(written).as_deref(), Some(text));
        }
    }

    #[test]
    fn more_than_needs_to_be_is_read_too() {
        for (written, text) in [
            ("%61%62", "ab"),
            ("%e2%82%ac", "€"),
            ("a b", "a b"),
            ("\"a b\"", "a b"),
            ("\"a \\\"b\\\" \\\\\"", "a \"b\" \\"),
            ("\"%61\"", "a"),
            ("\"\"", ""),
            ("a\"b", "a\"b"),
            ("%2561", "%61"),
        ] {
            assert_eq!(decode(written).as_deref(), Some(text), "{written}");
        }
    }

    #[test]
    fn what_is_not_written_so_is_seen() {
        for written in ["%", "%4", "%4g", "%C0%A0", "%ff", "\"a", "\"", "\"a\"b", "\"a\\", "%+1"] {
            assert_eq!(decode(written), None, "{written}");
        }
    }
}
