//! What a server says about when to come back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// How long to wait, as the HTTP header `Retry-After` says: a number of seconds, or a date, after
/// which there is nothing to wait for (RFC 9110, section 10.2.3). None when it is neither.
///
/// ```
/// use foundation::parse_retry_after;
/// use std::time::Duration;
///
/// let now = "2026-11-25T10:00:00Z".parse()?;
/// assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
/// let date = "Wed, 25 Nov 2026 10:00:30 GMT";
/// assert_eq!(parse_retry_after(date, now), Some(Duration::from_secs(30)));
/// assert_eq!(parse_retry_after("soon", now), None);
/// # foundation::Result::Ok(())
/// ```
#[must_use]
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many that they do not fit are as good as for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = date(value)?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// A date in one of the three forms of RFC 9110, section 5.6.7.
fn date(value: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTimeParser::new().parse_timestamp(value) {
        return Some(at);
    }
    // Those of RFC 850 and of C's `asctime`, which is in UTC without saying so.
    let obsolete = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let mut dates = obsolete.iter().filter_map(|form| DateTime::strptime(form, value).ok());
    TimeZone::UTC.to_timestamp(dates.next()?).ok()
}

#[cfg(test)]
mod tests {
    //! Seconds, dates, and what is neither.

    use std::time::Duration;

    use super::parse_retry_after;

    #[test]
    fn tells_seconds_from_dates_from_nonsense() {
        let now = "2026-11-25T10:00:00Z".parse().unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (value, wait) in [
            ("0", seconds(0)),
            (" 7 ", seconds(7)),
            ("99999999999999999999999", seconds(u64::MAX)),
            ("Wed, 25 Nov 2026 10:01:00 GMT", seconds(60)),
            ("Wed, 25 Nov 2026 09:00:00 GMT", seconds(0)),
            ("Wednesday, 25-Nov-26 10:01:00 GMT", seconds(60)),
            ("Wed Nov 25 10:01:00 2026", seconds(60)),
            ("Sun Nov  1 10:01:00 2026", seconds(0)),
            ("Sun Dec  6 10:00:00 2026", seconds(11 * 24 * 60 * 60)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("+1", None),
            ("NaN", None),
            ("2026-11-25T10:00:00Z", None),
            ("Tue, 25 Nov 2026 10:01:00 GMT", None),
        ] {
            assert_eq!(parse_retry_after(value, now), wait, "{value:?}");
        }
    }
}
