//! What to do when an operation has failed: something else, or undo what was done.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::Either;

use crate::error::{Error, Result, codes};

/// Runs `primary`, and when that fails for reasons of infrastructure, `fallback` with the error:
/// another source, an earlier value, less of it. Any other error is an answer, or a fault that
/// nothing else would mend.
///
/// Both run in the caller's own task.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use foundation::{Error, with_fallback};
///
/// let live = async { Err(Error::infrastructure("exchange_unreachable")) };
/// let price = with_fallback(live, async |_error| Ok(17)).await?;
/// assert_eq!(price, 17);
///
/// let refused = async { Err::<u32, _>(Error::business("not_for_sale")) };
/// let error = with_fallback(refused, async |_error| Ok(17)).await.unwrap_err();
/// assert_eq!(error.code(), "not_for_sale");
/// # foundation::Result::Ok(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// What `primary` comes to when that is no infrastructure error; else what `fallback` comes to.
pub fn with_fallback<T, F: Future<Output = Result<T>>>(
    primary: impl Future<Output = Result<T>>,
    fallback: impl FnOnce(Error) -> F,
) -> impl Future<Output = Result<T>> {
    // By combinators, because an async function would hold `primary` twice, which doubles with each
    // guard around another.
    primary.then(|result| match result {
        Err(error) if error.is_retryable() => {
            tracing::debug!(%error, "fallback.used");
            Either::Right(fallback(error))
        }
        result => Either::Left(std::future::ready(result)),
    })
}

/// Runs `operation`, and when that fails for any reason, `compensation` with the error, to undo
/// what was done in part.
///
/// Both run in the caller's own task. Where undoing has to survive a crash, it belongs into a
/// workflow.
///
/// # Errors
///
/// The error of `operation`, unchanged. `compensation_failed` when undoing failed too: that error
/// is the source, and the one of `operation` is the detail `error`.
pub fn with_compensation<T, F: Future<Output = Result<()>>>(
    operation: impl Future<Output = Result<T>>,
    compensation: impl FnOnce(Error) -> F,
) -> impl Future<Output = Result<T>> {
    operation.then(|result| match result {
        Ok(value) => Either::Left(std::future::ready(Ok(value))),
        Err(error) => Either::Right(compensation(error.clone()).map(|undone| {
            match undone {
                Ok(()) => Err(error),
                Err(failed) => Err(Error::from(codes::COMPENSATION_FAILED)
                    .with_detail("error", error.to_string())
                    .with_source(failed)),
            }
        })),
    })
}
