//! Group `signal`: what it costs to make a signal, to find who wants it, and to bring it there.
//!
//! Each kind of figure is a module of its own, with a trait that those implement who are measured;
//! [`ours`] and [`limits`] say who that is. To add a kind, add its module, and its samples to those
//! two.

mod logged;
mod making;
mod publishing;
mod routing;

use anyhow::Result;

use crate::figure::Sample;
use crate::size::Size;

/// Measures what is ours.
///
/// # Errors
///
/// When something comes to something else than it should.
pub async fn ours(size: Size) -> Result<Vec<Sample>> {
    let mut samples = routing::samples::<routing::Ours>(size)?;
    samples.extend(making::ours(size).await?);
    samples.extend(publishing::ours(size).await?);
    samples.extend(logged::ours(size).await?);
    Ok(samples)
}

/// Measures what ours is held against.
///
/// # Errors
///
/// As [`ours`].
pub async fn limits(size: Size) -> Result<Vec<Sample>> {
    let mut samples = routing::samples::<routing::HashExact>(size)?;
    samples.extend(routing::samples::<routing::LinearScan>(size)?);
    samples.extend(making::limits(size).await?);
    samples.extend(publishing::limits(size).await?);
    samples.extend(logged::limits(size).await?);
    Ok(samples)
}
