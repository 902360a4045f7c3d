//! What an idle actor costs in memory, as the operating system sees it.

use anyhow::{Context, Result};

use super::{Subject, Under, start};

/// Messages that an actor gets at once, before it is idle again.
const BURST: u32 = 64;

/// Bytes of resident memory per actor, of `idle` actors that have answered once. Of those that can
/// hibernate also with what a burst of messages leaves behind: after hibernating, and without.
pub(super) async fn per_idle_actor<S: Subject>(key: &str, idle: u32) -> Result<Vec<(String, f64)>> {
    let world = S::world().await?;
    let mut actors = Vec::with_capacity(usize::try_from(idle)? * 5);
    // The first actors bring what the runtime and the allocator keep for later.
    for _ in 0..100 {
        actors.push(S::start(&world).await?);
    }
    let mut values = vec![(key.to_owned(), grow(&world, &mut actors, idle, After::Answer).await?)];
    if key == "ours" {
        // All of them stay, so that none is measured on memory that another one has freed.
        for (name, after) in [
            ("supervised", After::StartingAsChild),
            ("hibernated", After::Hibernating),
            ("after_burst", After::Burst),
        ] {
            let bytes = grow(&world, &mut actors, idle, after).await?;
            values.push((format!("ours_{name}"), bytes));
        }
    }
    S::stop(world, actors).await?;
    Ok(values)
}

/// What an actor has done before it is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Answer,
    /// The same, as the child of a supervisor that restarts it.
    StartingAsChild,
    Burst,
    Hibernating,
}

/// Bytes per actor that `more` of them take.
async fn grow<S: Subject>(
    world: &S::World,
    actors: &mut Vec<S>,
    more: u32,
    after: After,
) -> Result<f64> {
    let before = resident()?;
    for _ in 0..more {
        let supervised = after == After::StartingAsChild;
        let under = if supervised { Under::Supervisor } else { Under::World };
        let actor = start::<S>(world, under).await?;
        if matches!(after, After::Burst | After::Hibernating) {
            for _ in 0..BURST {
                actor.tell(1).await?;
            }
        }
        if after == After::Hibernating {
            actor.hibernate().context("it does not hibernate")?.await?;
        }
        actor.ask().await?;
        actors.push(actor);
    }
    Ok((resident()? - before) / f64::from(more))
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
