//! Random children under random failures, compared with a small model of what should come of them.

use std::num::NonZeroU32;
use std::time::Duration;

use foundation::{ActorRef, ChildBudget, ChildState, DynamicSupervisor, ExitReason, Restart};
use proptest::prelude::{Just, Strategy as Generate, any, prop};
use proptest::prop_oneof;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testkit::{Puppet, Start, Strings, for_each_seed, pass};
use tokio::time::Instant;

use super::Stage;

/// What happens. Children are meant by a number that is taken modulo how many there ever were.
#[derive(Debug, Clone)]
enum Event {
    Start(Restart),
    End(usize, ExitReason),
    Kill(usize),
    Terminate(usize),
    /// From now on its starts fail, or do not.
    Break(usize, bool),
    Release(usize),
    Pass(u64),
}

const PERIOD: Duration = Duration::from_secs(100);
/// Longer than all waits of one event together, and of no multiple that comes near to the period.
const BETWEEN: Duration = Duration::from_millis(41);
const MOST_CHILDREN: usize = 6;

fn event() -> impl Generate<Value = Event> {
    let restart =
        prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    let reason = prop_oneof![
        Just(ExitReason::Normal),
        Just(ExitReason::Shutdown),
        Just(ExitReason::shutdown_with("x")),
        Just(ExitReason::Killed),
    ];
    let which = 0..20_usize;
    prop_oneof![
        4 => restart.prop_map(Event::Start),
        4 => (which.clone(), reason).prop_map(|(which, reason)| Event::End(which, reason)),
        2 => which.clone().prop_map(Event::Kill),
        2 => which.clone().prop_map(Event::Terminate),
        1 => (which.clone(), any::<bool>()).prop_map(|(which, broken)| Event::Break(which, broken)),
        1 => which.prop_map(Event::Release),
        2 => (0..200_u64).prop_map(Event::Pass),
    ]
}

/// What should come of it.
#[derive(Debug, Default)]
struct Model {
    children: Vec<Modelled>,
    /// When restarts were that all share.
    restarts: Vec<Instant>,
    intensity: usize,
    per_child: bool,
    melted: bool,
    /// Incarnations that ran.
    runs: usize,
}

#[derive(Debug, Clone)]
struct Modelled {
    restart: Restart,
    state: Option<ChildState>,
    generation: u32,
    broken: bool,
    restarts: Vec<Instant>,
}

impl Model {
    fn there(&self) -> usize {
        self.children.iter().filter(|child| child.state.is_some()).count()
    }

    fn ends(&mut self, which: usize, reason: &ExitReason) {
        let child = &mut self.children[which];
        let again = match child.restart {
            Restart::Permanent => true,
            Restart::Transient => reason.is_abnormal(),
            Restart::Temporary => false,
        };
        if !again {
            child.state = None;
            return;
        }
        let told = matches!(reason, ExitReason::Shutdown | ExitReason::ShutdownWith(_));
        self.restarts(which, self.per_child && told);
    }

    /// Tries to start it until it runs or there are too many attempts.
    fn restarts(&mut self, which: usize, mut free: bool) {
        loop {
            let child = &mut self.children[which];
            let counted = if self.per_child { &mut child.restarts } else { &mut self.restarts };
            counted.retain(|at| at.elapsed() <= PERIOD);
            if !std::mem::take(&mut free) {
                if counted.len() >= self.intensity {
                    if self.per_child {
                        child.state = Some(ChildState::Quarantined);
                    } else {
                        self.melted = true;
                    }
                    return;
                }
                counted.push(Instant::now());
            }
            child.generation += 1;
            if !child.broken {
                self.runs += 1;
                child.state = Some(ChildState::Running);
                return;
            }
        }
    }
}

/// The real one beside the model.
struct Both {
    stage: Stage,
    model: Model,
    strings: Vec<Strings>,
    references: Vec<ActorRef<Puppet>>,
}

impl Both {
    async fn apply(&mut self, event: &Event) {
        let ever = self.references.len().max(1);
        match event {
            Event::Start(restart) => return self.start(*restart).await,
            Event::Pass(seconds) => {
                pass(Duration::from_secs(*seconds)).await;
                return;
            }
            _ if self.references.is_empty() => return,
            Event::Break(which, broken) => {
                let which = which % ever;
                self.model.children[which].broken = *broken;
                let start = if *broken { Start::Fail("broken") } else { Start::Run };
                return self.strings[which].set_start(start);
            }
            _ => {}
        }
        let (Event::End(which, _)
        | Event::Kill(which)
        | Event::Terminate(which)
        | Event::Release(which)) = event
        else {
            return;
        };
        let which = which % ever;
        let (child, state) = (&self.references[which], self.model.children[which].state);
        match (event, state) {
            (Event::End(_, reason), Some(ChildState::Running)) => {
                Puppet::exit(child, reason.clone()).await;
                self.model.ends(which, reason);
            }
            (Event::Kill(_), Some(ChildState::Running)) => {
                Puppet::kill(child).await;
                self.model.ends(which, &ExitReason::Killed);
            }
            (Event::Kill(_), _) => child.kill(),
            (Event::Terminate(_), state) => {
                let ended = self.stage.supervisor.terminate_child(child.pid()).await;
                assert_eq!(ended.is_ok(), state.is_some(), "{ended:?}");
                self.model.children[which].state = None;
            }
            (Event::Release(_), Some(ChildState::Quarantined)) => {
                let broken = self.model.children[which].broken;
                let released = self.stage.supervisor.release_child(child.pid()).await;
                assert_eq!(released.is_err(), broken);
                let child = &mut self.model.children[which];
                child.restarts.clear();
                child.generation += 1;
                child.state = Some(ChildState::Running);
                if broken {
                    self.model.restarts(which, false);
                } else {
                    self.model.runs += 1;
                }
            }
            (Event::Release(_), _) => {
                assert!(self.stage.supervisor.release_child(child.pid()).await.is_err());
            }
            _ => {}
        }
    }

    async fn start(&mut self, restart: Restart) {
        let strings = Strings::new("a", &self.stage.log);
        let started = self.stage.supervisor.start_child(strings.spec().restart(restart)).await;
        if self.model.there() >= MOST_CHILDREN {
            assert_eq!(started.unwrap_err().code(), "max_children");
            return;
        }
        self.references.push(started.unwrap());
        self.strings.push(strings);
        self.model.runs += 1;
        self.model.children.push(Modelled {
            restart,
            state: Some(ChildState::Running),
            generation: 1,
            broken: false,
            restarts: Vec::new(),
        });
    }

    /// Whether the supervisor still runs.
    async fn agree(&mut self) -> bool {
        pass(BETWEEN).await;
        if self.model.melted {
            assert_eq!(self.stage.supervisor.exited().await, ExitReason::Shutdown);
            assert!(self.references.iter().all(|child| !child.is_alive()));
            return false;
        }
        let children = self.stage.supervisor.which_children().unwrap();
        let real: Vec<_> = children
            .iter()
            .map(|child| (child.last_pid.unwrap(), child.state, child.starts))
            .collect();
        let there = self.model.children.iter().zip(&self.references);
        let modelled: Vec<_> = there
            .filter_map(|(model, real)| Some((real.pid(), model.state?, model.generation)))
            .collect();
        assert_eq!(real, modelled);
        for (pid, _, generation) in real {
            assert_eq!(pid.generation, generation);
        }
        let running = |child: &&Modelled| child.state == Some(ChildState::Running);
        let running = self.model.children.iter().filter(running).count();
        assert_eq!(self.stage.counts(), [children.len(), running, 0, children.len()]);
        true
    }
}

async fn compare(per_child: bool, intensity: u32, events: Vec<Event>) {
    let builder = DynamicSupervisor::builder().max_children(MOST_CHILDREN);
    let builder = if per_child {
        // So short that nothing else happens meanwhile.
        let wait = Duration::from_millis(1);
        builder.budget_per_child(
            ChildBudget::default().intensity(intensity, PERIOD).backoff(wait, wait),
        )
    } else {
        builder.intensity(intensity, PERIOD)
    };
    let stage = Stage::set(builder).await;
    let model = Model { intensity: intensity as usize, per_child, ..Model::default() };
    let mut both = Both { stage, model, strings: Vec::new(), references: Vec::new() };
    for event in events {
        both.apply(&event).await;
        if !both.agree().await {
            break;
        }
    }
    both.stage.system.stop().await.unwrap();
    // Whoever ran is gone, and nobody else did.
    assert_eq!(both.stage.log.count("-a"), both.model.runs);
}

/// Sequences of events for one seed.
const CASES: u32 = 100;

fn check(per_child: bool) {
    for_each_seed(NonZeroU32::MIN, |seed| {
        let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let events = prop::collection::vec(event(), 1..40);
        let run = runner.run(&(0..5_u32, events), |(intensity, events)| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(compare(per_child, intensity, events));
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

#[test]
fn children_that_share_a_budget_are_what_the_model_says() {
    check(false);
}

#[test]
fn children_with_budgets_of_their_own_are_what_the_model_says() {
    check(true);
}
