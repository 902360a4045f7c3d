//! Random trees under random failures, compared with the model event for event.

use std::num::NonZeroU32;
use std::time::Duration;

use foundation::{ActorRef, AutoShutdown, ExitReason, Restart, Strategy, Supervisor, System};
use proptest::prelude::{Just, Strategy as Generate, any, prop};
use proptest::prop_oneof;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testkit::{Log, Pull, Puppet, Start, Strings, for_each_seed, pass};
use tokio::time::Instant;

use super::model::{Events, Node, PERIOD, Spec, SupervisorSpec, World};

/// Trees that are tried for each seed, of which a soak gives more.
const TREES: u32 = 200;
/// Names of all nodes: more than a tree can have.
const NAMES: [&str; 40] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
    "t", "u", "v", "w", "x", "y", "z", "aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj",
    "kk", "ll", "mm", "nn",
];

/// What happens to a tree. Numbers choose among those to whom it can happen.
#[derive(Debug, Clone)]
enum Action {
    Kill(usize),
    Exit(usize, bool),
    Terminate(usize),
    RestartChild(usize),
    Delete(usize),
    /// The next starts of somebody fail.
    FailStarts(usize, u32),
    Wait(u64),
}

fn actions() -> impl Generate<Value = Vec<Action>> {
    let who = || any::<usize>();
    let action = prop_oneof![
        6 => who().prop_map(Action::Kill),
        2 => (who(), any::<bool>()).prop_map(|(who, normal)| Action::Exit(who, normal)),
        2 => who().prop_map(Action::Terminate),
        2 => who().prop_map(Action::RestartChild),
        1 => who().prop_map(Action::Delete),
        2 => (who(), 1..4u32).prop_map(|(who, times)| Action::FailStarts(who, times)),
        2 => (0..7u64).prop_map(Action::Wait),
    ];
    prop::collection::vec(action, 1..25)
}

fn restarts() -> impl Generate<Value = Restart> {
    prop_oneof![
        3 => Just(Restart::Permanent),
        2 => Just(Restart::Transient),
        1 => Just(Restart::Temporary)
    ]
}

fn workers() -> impl Generate<Value = Spec> {
    (restarts(), any::<bool>()).prop_map(|(restart, significant)| Spec {
        name: "",
        restart,
        significant,
        supervises: None,
    })
}

fn supervisors(children: impl Generate<Value = Spec> + 'static) -> impl Generate<Value = Spec> {
    let strategies = prop_oneof![
        Just(Strategy::OneForOne),
        Just(Strategy::OneForAll),
        Just(Strategy::RestForOne)
    ];
    let autos = prop_oneof![
        3 => Just(AutoShutdown::Never),
        1 => Just(AutoShutdown::AnySignificant),
        1 => Just(AutoShutdown::AllSignificant)
    ];
    let own = (restarts(), any::<bool>(), strategies, 0..6u32, autos);
    (own, prop::collection::vec(children, 0..4)).prop_map(
        |((restart, significant, strategy, intensity, auto), children)| {
            let supervises = SupervisorSpec { strategy, intensity, auto, children };
            Spec { name: "", restart, significant, supervises: Some(supervises) }
        },
    )
}

/// Trees of up to three levels of supervisors, every combination of options in them allowed.
fn trees() -> impl Generate<Value = Spec> {
    let lowest = supervisors(workers()).boxed();
    let middle = supervisors(prop_oneof![2 => workers(), 1 => lowest]).boxed();
    supervisors(prop_oneof![2 => workers(), 1 => middle]).prop_map(|mut tree| {
        allow(&mut tree, AutoShutdown::Never, &mut NAMES.iter().copied());
        tree
    })
}

/// Gives everybody a name, and takes back what is not allowed where it is.
fn allow(spec: &mut Spec, above: AutoShutdown, names: &mut impl Iterator<Item = &'static str>) {
    spec.name = names.next().expect("enough names");
    spec.significant &= above != AutoShutdown::Never && spec.restart != Restart::Permanent;
    if let Some(supervises) = &mut spec.supervises {
        for child in &mut supervises.children {
            allow(child, supervises.auto, names);
        }
    }
}

/// The tree as it runs, and the model of it.
struct Pair {
    system: System,
    top: ActorRef<Supervisor>,
    log: Log,
    strings: Vec<Strings>,
    model: Node,
    world: World,
    started: Instant,
}

impl Pair {
    async fn start(spec: &Spec) -> Self {
        let system = System::builder().name("random").seed(1).start().await.unwrap();
        let (log, mut strings) = (Log::default(), Vec::new());
        let supervises = spec.supervises.as_ref().expect("the top is a supervisor");
        let top = build(spec.name, supervises, &log, &mut strings);
        let mut model = Node::new(spec.clone());
        let mut world = World::default();
        assert!(model.start(&mut world));
        let top = top.start(&system).await.unwrap();
        let started = Instant::now();
        let pair = Self { system, top, log, strings, model, world, started };
        pair.settle().await
    }

    /// Waits until nothing happens any more: paused time passes only then. Compares.
    async fn settle(mut self) -> Self {
        pass(Duration::from_millis(1)).await;
        let happened = self.log.take();
        let expected = std::mem::take(&mut self.world.events);
        assert_eq!(in_order(&happened, &expected), flat(&expected));
        let expected = self.model.listing("top");
        let mut listed = Vec::new();
        if self.top.is_alive() {
            list(&self.top, "top".to_owned(), &mut listed).await;
        }
        assert_eq!(listed, expected);
        self
    }

    async fn supervisor(&self, path: &[&str]) -> ActorRef<Supervisor> {
        let mut supervisor = self.top.clone();
        for name in path {
            supervisor = supervisor.child(name).await.unwrap();
        }
        supervisor
    }

    async fn act(&mut self, action: Action) {
        self.world.now = self.started.elapsed();
        let running = self.model.running();
        if let Action::Wait(seconds) = action {
            return pass(Duration::from_secs(seconds)).await;
        }
        if let Action::FailStarts(who, times) = action {
            let Some(strings) = pick(&self.strings, who) else { return };
            drop(strings.clone().starting((0..times).map(|_| Start::Fail("broken"))));
            *self.world.failing.entry(strings.name()).or_default() += times;
            return;
        }
        if let Action::RestartChild(who) | Action::Delete(who) = action {
            return self.request_down(who, matches!(action, Action::Delete(_))).await;
        }
        let (Action::Kill(who) | Action::Exit(who, _) | Action::Terminate(who)) = action else {
            unreachable!("{action:?}")
        };
        let Some(path) = pick(&running, who).cloned() else { return };
        let (name, above) = path.split_last().expect("a path has an end");
        let parent = self.supervisor(above).await;
        match action {
            Action::Terminate(_) => {
                parent.terminate_child(name).await.unwrap();
                self.model.at(above, &mut self.world, &mut |parent, world| {
                    parent.find(name)?.stop(world);
                    parent.forget_temporary();
                    None
                });
            }
            Action::Exit(_, normal) => {
                let Ok(worker) = parent.child::<Puppet>(name).await else { return };
                let reason = if normal { ExitReason::Normal } else { ExitReason::Shutdown };
                worker.tell(Pull::Exit(reason.clone())).await.unwrap();
                self.model.at(&path, &mut self.world, &mut |node, world| {
                    node.stop(world);
                    Some(reason.clone())
                });
            }
            _ => {
                match parent.child::<Puppet>(name).await {
                    Ok(worker) => worker.kill(),
                    Err(_) => self.supervisor(&path).await.kill(),
                }
                self.model.at(&path, &mut self.world, &mut |node, world| {
                    node.kill(world);
                    Some(ExitReason::Killed)
                });
            }
        }
    }

    /// Restarts or deletes a child that is down, of a supervisor that runs.
    async fn request_down(&mut self, who: usize, delete: bool) {
        let mut down = Vec::new();
        for path in std::iter::once(vec![]).chain(self.model.running()) {
            self.model.at(&path, &mut World::default(), &mut |node, _| {
                let asleep = node.children.iter().filter(|child| !child.runs);
                down.extend(asleep.map(|child| (path.clone(), child.spec.name)));
                None
            });
        }
        if !self.model.runs {
            return;
        }
        let Some((above, name)) = pick(&down, who).cloned() else { return };
        let parent = self.supervisor(&above).await;
        let mut expected = true;
        self.model.at(&above, &mut self.world, &mut |parent, world| {
            if delete {
                parent.children.retain(|child| child.spec.name != name);
            } else {
                expected = parent.find(name)?.start(world);
            }
            None
        });
        let done = if delete {
            parent.delete_child(name).await.is_ok()
        } else {
            parent.restart_child(name).await.is_ok()
        };
        assert_eq!(done, expected);
    }
}

fn build(
    name: &'static str,
    spec: &SupervisorSpec,
    log: &Log,
    strings: &mut Vec<Strings>,
) -> foundation::SupervisorBuilder {
    let mut builder = Supervisor::with_strategy(spec.strategy)
        .name(name)
        .intensity(spec.intensity, PERIOD)
        .auto_shutdown(spec.auto);
    for child in &spec.children {
        let (restart, significant) = (child.restart, child.significant);
        builder = if let Some(supervises) = &child.supervises {
            let inner = build(child.name, supervises, log, strings).child_spec();
            builder.child(inner.restart(restart).significant(significant))
        } else {
            let puppet = Strings::new(child.name, log);
            strings.push(puppet.clone());
            builder.child(puppet.spec().restart(restart).significant(significant))
        };
    }
    builder
}

/// The children of a supervisor and of those below, as they are listed.
async fn list(
    supervisor: &ActorRef<Supervisor>,
    path: String,
    listed: &mut Vec<(String, Vec<(String, bool)>)>,
) {
    let children = supervisor.which_children().await.unwrap();
    let own = children.iter().map(|child| (child.name.to_string(), child.pid.is_some()));
    listed.push((path.clone(), own.collect()));
    for child in children.iter().rev().filter(|child| child.pid.is_some()) {
        if let Ok(inner) = supervisor.child::<Supervisor>(&child.name).await {
            Box::pin(list(&inner, format!("{path}/{}", child.name), listed)).await;
        }
    }
}

fn pick<T>(from: &[T], who: usize) -> Option<&T> {
    (!from.is_empty()).then(|| &from[who % from.len()])
}

fn flat(events: &Events) -> Vec<String> {
    events.iter().flat_map(|group| sorted(group)).collect()
}

/// What happened, with those entries sorted among which there is no order.
fn in_order(happened: &[String], expected: &Events) -> Vec<String> {
    let (mut rest, mut ordered) = (happened, Vec::new());
    for group in expected {
        let (now, later) = rest.split_at(group.len().min(rest.len()));
        ordered.extend(sorted(now));
        rest = later;
    }
    ordered.extend(rest.iter().cloned());
    ordered
}

fn sorted(entries: &[String]) -> Vec<String> {
    let mut entries = entries.to_vec();
    entries.sort();
    entries
}

async fn compare(tree: Spec, actions: Vec<Action>) {
    let mut pair = Pair::start(&tree).await;
    for action in actions {
        if !pair.model.runs {
            break;
        }
        pair.act(action).await;
        pair = pair.settle().await;
    }
    let mut world = std::mem::take(&mut pair.world);
    pair.model.stop(&mut world);
    pair.system.stop().await.unwrap();
    assert_eq!(pair.log.take(), flat(&world.events));
}

#[test]
fn random_trees_under_random_failures_do_what_the_model_says() {
    for_each_seed(NonZeroU32::MIN, |seed| {
        let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { cases: TREES, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let run = runner.run(&(trees(), actions()), |(tree, actions)| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(compare(tree, actions));
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{failure}"));
    });
}
