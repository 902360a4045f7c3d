//! What an attempt says of the endpoint. Pure, but for the circuit that is told.

use foundation::{CircuitPermit, Result, codes as system_codes};

use crate::codes;

/// What an attempt says of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is there and works, whatever it answers.
    Works,
    /// It does not.
    Fails,
    /// Nothing.
    Nothing,
}

/// Tells a circuit what came of an attempt.
pub(super) fn settle(permit: CircuitPermit, outcome: &Result<()>) {
    match verdict(outcome) {
        Verdict::Works => permit.success(),
        Verdict::Fails => permit.failure(),
        Verdict::Nothing => drop(permit),
    }
}

fn verdict(outcome: &Result<()>) -> Verdict {
    let Err(error) = outcome else { return Verdict::Works };
    let is = |code: foundation::Code| error.code() == code.name;
    let status = error.details().get("status").and_then(serde_json::Value::as_u64);
    match () {
        () if is(codes::HTTP_REFUSED) || is(codes::REDIRECT_REFUSED) => Verdict::Works,
        // Who asks for time is there; how long to wait is said in the answer.
        () if is(codes::HTTP_UNAVAILABLE) => match status {
            Some(500..) => Verdict::Fails,
            _ => Verdict::Nothing,
        },
        () if is(codes::TLS_FAILED) || is(system_codes::NETWORK_ERROR) => Verdict::Fails,
        () if is(system_codes::TIMEOUT) => Verdict::Fails,
        () => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    //! What every error says of an endpoint.

    use foundation::{Error, codes as system_codes};

    use super::{Verdict, verdict};
    use crate::codes;

    #[test]
    fn only_what_says_that_it_does_not_work_is_a_failure() {
        let with = |code: foundation::Code, status: u16| {
            Err(Error::from(code).with_detail("status", status))
        };
        for (outcome, expected) in [
            (Ok(()), Verdict::Works),
            (with(codes::HTTP_REFUSED, 404), Verdict::Works),
            (with(codes::REDIRECT_REFUSED, 302), Verdict::Works),
            (with(codes::HTTP_UNAVAILABLE, 408), Verdict::Nothing),
            (with(codes::HTTP_UNAVAILABLE, 429), Verdict::Nothing),
            (with(codes::HTTP_UNAVAILABLE, 500), Verdict::Fails),
            (with(codes::HTTP_UNAVAILABLE, 503), Verdict::Fails),
            (Err(codes::TLS_FAILED.into()), Verdict::Fails),
            (Err(system_codes::NETWORK_ERROR.into()), Verdict::Fails),
            (Err(system_codes::TIMEOUT.into()), Verdict::Fails),
            (Err(codes::ADDRESS_REFUSED.into()), Verdict::Nothing),
            (Err(system_codes::SYSTEM_STOPPING.into()), Verdict::Nothing),
            (Err(codes::INVALID_SIGNAL.into()), Verdict::Nothing),
        ] {
            assert_eq!(verdict(&outcome), expected, "{outcome:?}");
        }
    }
}
