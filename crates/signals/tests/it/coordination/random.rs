//! Random schedules of messages, hangs, failures, deaths and restarts: nothing is handled twice,
//! nothing is lost unseen, and each receiver gets in order what each sender has sent.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use foundation::{ExitReason, Supervisor, TaskSupervisor};
use futures_util::future::join_all;
use signals::coordination::{Coordination, Reach, Sent};
use testkit::for_each_seed;

use super::*;

const IDS: [&str; 3] = ["b", "c", "d"];
const SENDERS: [&str; 3] = ["x", "y", "z"];
const DOES: [Does; 9] = [
    Does::Acknowledge,
    Does::Acknowledge,
    Does::Refuse,
    Does::Fail,
    Does::Bug,
    Does::Ignore,
    Does::Drop,
    Does::Take(Duration::from_millis(700)),
    Does::Panic,
];

/// What a sender was told of each message: its type and its receiver, and a code.
type Told = Mutex<BTreeMap<(String, String), String>>;

struct Run {
    system: System,
    coordination: Coordination,
    scripts: Vec<Script>,
    told: Told,
    /// By what all times are divided.
    haste: u64,
}

fn paused(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(test);
}

fn word(outcome: &Result<Coordinated>) -> String {
    match outcome {
        Ok(Coordinated::Acknowledged) => "acknowledged".into(),
        Ok(Coordinated::Buffered(_)) => "kept".into(),
        Ok(Coordinated::InProgress) => "in_progress".into(),
        Ok(_) => "dead_letter".into(),
        Err(error) => error.code().into(),
    }
}

impl Run {
    async fn new(haste: u64) -> Self {
        let builder = Coordination::builder()
            .buffer(5)
            .deadline(Duration::from_millis(1_000 / haste))
            .reset_after(Duration::from_millis(3_000 / haste))
            .keep_for(Duration::from_millis(2_000 / haste))
            .failure_threshold(3);
        let (system, coordination) = started_with(builder).await;
        let scripts: Vec<_> = IDS.iter().map(|id| Script::new(id, &coordination)).collect();
        let mut supervisor =
            Supervisor::one_for_one().name("agents").intensity(100_000, Duration::from_secs(1));
        for script in &scripts {
            supervisor = supervisor.child(script.spec().mailbox(room_for(4)).registered());
        }
        system.start(supervisor).await.unwrap();
        Self { system, coordination, scripts, told: Told::default(), haste }
    }

    fn up_to(&self, millis: u64, random: &mut Rng) -> Duration {
        Duration::from_micros(random.u64(1..millis * 1_000) / self.haste + 1)
    }

    fn tell(&self, topic: &str, to: &str, told: String) {
        let before = self.told.lock().unwrap().insert((topic.into(), to.into()), told);
        assert_eq!(before, None, "{topic} to {to} was sent twice by the test");
    }

    fn tell_all(&self, sent: &[Sent]) {
        for one in sent {
            self.tell(one.signal.topic().as_str(), &one.receiver, word(&one.outcome));
        }
    }

    /// Sends, and notes what it is told. Every message has a type of its own, which rises.
    async fn send(&self, from: &'static str, mut random: Rng) {
        for number in 0..25 {
            let draft = Signal::new(format!("{from}.{number:03}"), "/test");
            let topic = format!("{from}.{number:03}");
            let to = IDS[random.usize(..IDS.len())];
            match random.u8(..10) {
                0..6 => {
                    let deadline = self.up_to(1_500, &mut random);
                    let sent = self.coordination.delegate(from, to, draft).within(deadline);
                    let sent = if random.bool() { sent } else { sent.or_dead_letter() };
                    self.tell(&topic, to, word(&sent.await));
                }
                6 => {
                    // Whoever gives up learns nothing.
                    let sent = self.coordination.delegate(from, to, draft).into_future();
                    let wait = self.up_to(500, &mut random);
                    let outcome = tokio::time::timeout(wait, sent).await;
                    let told = outcome.as_ref().map_or_else(|_| "gone".into(), word);
                    self.tell(&topic, to, told);
                }
                7 => {
                    let all = IDS.map(|id| (id, draft.clone()));
                    self.tell_all(&self.coordination.distribute(from, all).await.unwrap());
                }
                _ => {
                    let reach = [Reach::BestEffort, Reach::AllOrNothing][random.usize(..2)];
                    match self.coordination.broadcast(from, IDS, draft, reach).await {
                        Ok(sent) => self.tell_all(&sent),
                        Err(error) => {
                            for id in IDS {
                                self.tell(&topic, id, error.code().into());
                            }
                        }
                    }
                }
            }
            if random.bool() {
                pause(self.up_to(400, &mut random)).await;
            }
        }
    }

    /// Has agents hang, fail, die and misbehave.
    async fn disturb(&self, mut random: Rng) {
        for _ in 0..60 {
            pause(self.up_to(600, &mut random)).await;
            let script = &self.scripts[random.usize(..self.scripts.len())];
            let agent = self.system.lookup::<Agent>(script.id);
            match (random.u8(..8), agent) {
                (0 | 1, _) => script.then(DOES[random.usize(..DOES.len())]),
                (2, _) => script.next([DOES[random.usize(..DOES.len())]]),
                (3, Ok(agent)) => agent.kill(),
                (4, Ok(agent)) => {
                    let _ = agent.try_tell(Message::End(ExitReason::Normal));
                }
                (5, Ok(agent)) => {
                    let until = Arc::new(Notify::new());
                    if agent.try_tell(Message::Hang(Arc::clone(&until))).is_ok() {
                        pause(self.up_to(5_000, &mut random)).await;
                        until.notify_one();
                    }
                }
                (6, _) if random.u8(..4) == 0 => {
                    // It receives no more until its next incarnation joins.
                    let _ = self.coordination.forget(script.id);
                    if let Ok(agent) = self.system.lookup::<Agent>(script.id) {
                        agent.kill();
                    }
                }
                _ => {}
            }
        }
        for script in &self.scripts {
            script.calm();
        }
    }

    fn check(&self) {
        let letters = self.coordination.dead_letters().list(usize::MAX);
        let mut buried = BTreeMap::new();
        for letter in &letters {
            let key = (letter.signal.topic().as_str().to_owned(), letter.to.to_string());
            let handled = (letter.reason.code().to_owned(), letter.may_be_handled);
            assert_eq!(buried.insert(key, handled), None, "twice among the dead letters");
        }
        let mut begun = BTreeSet::new();
        for script in &self.scripts {
            let log = script.log.entries();
            for from in SENDERS {
                let of: Vec<_> = log.iter().filter(|topic| topic.starts_with(from)).collect();
                assert!(
                    of.is_sorted_by(|a, b| a < b),
                    "{}: twice or out of order: {of:?}",
                    script.id
                );
            }
            begun.extend(log.into_iter().map(|topic| (topic, script.id.to_owned())));
        }
        for (key, told) in &*self.told.lock().unwrap() {
            let (was_begun, letter) = (begun.contains(key), buried.get(key));
            let is_known = match told.as_str() {
                "acknowledged" | "not_mine" | "bank_unreachable" | "bug" | "outcome_unknown" => {
                    was_begun && letter.is_none()
                }
                "no_such_receiver" | "broadcast_refused" => !was_begun && letter.is_none(),
                "in_progress" => was_begun,
                // They were handled since, or they are among the dead letters.
                "kept" | "gone" => was_begun || letter.is_some(),
                "dead_letter" => letter.is_some(),
                _ => false,
            };
            assert!(is_known, "{key:?} is {told}, begun: {was_begun}, buried: {letter:?}");
        }
        for (key, (reason, may_be_handled)) in &buried {
            let was_begun = begun.contains(key);
            let expected = !["no_such_receiver", "buffer_overflowed"].contains(&reason.as_str());
            assert_eq!(was_begun, expected, "{key:?}: {reason}");
            assert_eq!(*may_be_handled, reason == "outcome_unknown", "{key:?}: {reason}");
        }
    }

    /// With everybody back at work all that is kept is handled, and so are the dead letters that
    /// may be sent again.
    async fn finish(&self) {
        // Whoever is to end has ended, and whoever hangs is back.
        for id in IDS {
            let ping = || async { self.system.lookup::<Agent>(id)?.ask(Message::Ping).await };
            while ping().await.is_err() {
                pause(Duration::from_millis(1)).await;
            }
        }
        eventually(|| {
            let stats = self.coordination.stats();
            let is_over = stats.buffered + stats.waiting + stats.in_progress == 0;
            let is_whole = stats.receivers == IDS.len();
            if is_over && is_whole { Ok(()) } else { Err(format!("{stats:?}")) }
        })
        .await;
        self.check();
        for (_, outcome) in self.coordination.dead_letters().retry_all().await {
            acknowledged(outcome);
        }
        let left = self.coordination.dead_letters().list(usize::MAX);
        assert!(left.iter().all(|letter| letter.may_be_handled));
    }
}

#[test]
fn nothing_is_handled_twice_or_lost_unseen_or_out_of_order() {
    for_each_seed(NonZeroU32::new(20).unwrap(), |seed| {
        paused(async {
            let run = Run::new(1).await;
            let mut random = Rng::with_seed(seed);
            let senders = SENDERS.map(|from| run.send(from, random.fork()));
            let disturbing = run.disturb(random.fork());
            tokio::join!(join_all(senders), disturbing);
            run.finish().await;
            run.system.stop().await.unwrap();
        });
    });
}

#[test]
fn nor_is_it_when_everybody_has_a_thread() {
    for_each_seed(NonZeroU32::new(1).unwrap(), |seed| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(on_threads(Rng::with_seed(seed)));
    });
}

async fn on_threads(mut random: Rng) {
    let run = Arc::new(Run::new(20).await);
    let tasks = TaskSupervisor::builder().name("senders").start(&run.system).await.unwrap();
    let start = |from: &'static str, random: Rng| {
        let run = Arc::clone(&run);
        let sending = async move {
            run.send(from, random).await;
            Ok(())
        };
        tasks.async_nolink(sending).unwrap()
    };
    let senders = SENDERS.map(|from| start(from, random.fork()));
    let disturbing = Arc::clone(&run);
    let disturbing = tasks.async_nolink(async move {
        disturbing.disturb(random).await;
        Ok(())
    });
    for sender in senders {
        sender.await.unwrap();
    }
    disturbing.unwrap().await.unwrap();
    run.finish().await;
    let run = Arc::into_inner(run).unwrap();
    run.system.stop().await.unwrap();
}
