//! What an idle actor costs in memory, as the operating system sees it.

use anyhow::{Context, Result};

use super::Subject;

/// Bytes of resident memory per actor, of `idle` actors that have answered once.
pub(super) async fn per_idle_actor<S: Subject>(idle: u32) -> Result<f64> {
    let world = S::world().await?;
    let mut actors = Vec::with_capacity(usize::try_from(idle)?);
    // The first actors bring what the runtime and the allocator keep for later.
    for _ in 0..100 {
        actors.push(S::start(&world).await?);
    }
    let before = resident()?;
    for _ in 0..idle {
        let actor = S::start(&world).await?;
        actor.ask().await?;
        actors.push(actor);
    }
    let after = resident()?;
    S::stop(world, actors).await?;
    Ok((after - before) / f64::from(idle))
}

/// Resident memory of this process, in bytes.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, where the kernel tells it")]
fn resident() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")
        .context("memory is measured where there is a /proc: on Linux")?;
    let pages = statm.split_whitespace().nth(1).context("/proc/self/statm has no second word")?;
    // A page has 4 KiB on every machine of reference.
    Ok(pages.parse::<f64>()? * 4096.0)
}
