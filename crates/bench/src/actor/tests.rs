//! The workload itself: what it counts, and that it notices work that was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use super::{BareTask, Ours, Part, Subject};
use crate::size::Size;

const FIGURES: [&str; 7] = [
    "actor_memory",
    "actor_tell",
    "actor_tell_4p",
    "actor_ask",
    "actor_ask_64",
    "actor_spawn",
    "actor_stop",
];

/// Handles everything at once, but loses one message in a thousand.
#[derive(Clone, Default)]
struct Forgetful {
    told: Arc<AtomicU64>,
    total: Arc<AtomicU64>,
}

impl Subject for Forgetful {
    type World = ();

    async fn world() -> Result<()> {
        Ok(())
    }

    async fn start((): &()) -> Result<Self> {
        Ok(Self::default())
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        if self.told.fetch_add(1, Ordering::SeqCst) % 1000 != 999 {
            self.total.fetch_add(amount, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn ask(&self) -> Result<u64> {
        Ok(self.total.load(Ordering::SeqCst))
    }

    async fn stop((): (), _: Vec<Self>) -> Result<()> {
        Ok(())
    }
}

fn measured<S: Subject>(key: &str) -> Result<Vec<(String, Vec<String>)>> {
    let runtime = crate::runtime().unwrap();
    let mut samples = Vec::new();
    for part in [Part::Memory, Part::Times] {
        samples.extend(runtime.block_on(super::samples::<S>(key, Size::Quick, part))?);
    }
    let keys = |values: Vec<(String, f64)>| values.into_iter().map(|(key, _)| key).collect();
    Ok(samples.into_iter().map(|sample| (sample.name, keys(sample.values))).collect())
}

#[test]
fn measures_every_figure_of_the_group_under_the_name_it_is_given() {
    let figures = measured::<BareTask>("limit_tokio_mpsc").unwrap();
    let mut names = FIGURES.to_vec();
    names.insert(6, "task_await");
    let expected = names.into_iter().map(|name| {
        let other = (name == "actor_spawn").then_some("limit_tokio_mpsc_acknowledged");
        let keys = ["limit_tokio_mpsc"].into_iter().chain(other);
        (name.to_owned(), keys.map(str::to_owned).collect::<Vec<_>>())
    });
    assert_eq!(figures, expected.collect::<Vec<_>>());
}

#[test]
fn gives_quantiles_of_a_time_for_ours_alone() {
    let figures = measured::<Ours>("ours").unwrap();
    let keys: Vec<_> = figures.iter().map(|(name, keys)| (name.as_str(), keys.join(" "))).collect();
    let mut names = FIGURES.to_vec();
    names.insert(6, "task_await");
    let expected = names.into_iter().chain(["actor_restart"]).map(|name| match name {
        "actor_memory" => {
            let others = "restarting ours_static ours_unsupervised ours_hibernated";
            (name, format!("ours ours_{others} ours_after_burst"))
        }
        "actor_tell" | "actor_tell_4p" => (name, "ours".to_owned()),
        "actor_ask" => (name, "ours p50 p99 ours_without_deadline".to_owned()),
        "actor_spawn" => {
            (name, "ours p50 p99 ours_restarting ours_static ours_unsupervised".to_owned())
        }
        _ => (name, "ours p50 p99".to_owned()),
    });
    assert_eq!(keys, expected.collect::<Vec<_>>());
}

#[test]
fn fails_when_messages_are_lost_however_fast() {
    let error = measured::<Forgetful>("forgetful").unwrap_err();
    assert_eq!(error.to_string(), "200000 messages were sent and 199800 handled");
}
