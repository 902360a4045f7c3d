//! What an idle actor costs in memory, as the operating system sees it.

use anyhow::{Context, Result};

use super::{How, Subject, start, ways_to_start};

/// Messages that an actor gets at once, before it is idle again.
const BURST: u32 = 64;

/// Bytes of resident memory per actor, of `idle` actors that have answered once. Of those that can
/// hibernate also with what a burst of messages leaves behind: after hibernating, and without.
pub(super) async fn per_idle_actor<S: Subject>(key: &str, idle: u32) -> Result<Vec<(String, f64)>> {
    let world = S::world().await?;
    let mut actors = Vec::with_capacity(usize::try_from(idle)? * 7);
    let (headline, others) = ways_to_start(key);
    // The first actors bring what the runtime and the allocator keep for later.
    for _ in 0..100 {
        actors.push(start::<S>(&world, headline).await?);
    }
    let bytes = grow(&world, &mut actors, (idle, headline), After::Answer).await?;
    let mut values = vec![(key.to_owned(), bytes)];
    // All of them stay, so that none is measured on memory that another one has freed.
    for (name, how) in others.iter().filter(|(_, how)| *how != How::Acknowledged) {
        let bytes = grow(&world, &mut actors, (idle, *how), After::Answer).await?;
        values.push((format!("{key}_{name}"), bytes));
    }
    if key == "ours" {
        for (name, after) in [("hibernated", After::Hibernating), ("after_burst", After::Burst)] {
            let bytes = grow(&world, &mut actors, (idle, How::Default), after).await?;
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
    Burst,
    Hibernating,
}

/// Bytes per actor that `more` of them take.
async fn grow<S: Subject>(
    world: &S::World,
    actors: &mut Vec<S>,
    (more, how): (u32, How),
    after: After,
) -> Result<f64> {
    let before = resident()?;
    for _ in 0..more {
        let actor = start::<S>(world, how).await?;
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
