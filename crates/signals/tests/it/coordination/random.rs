//! Random schedules of messages, hangs, failures, deaths, restarts and retries: nothing is handled
//! twice, nothing is lost unseen or kept for too long, and each receiver gets in order what each
//! sender has sent, unless it was sent again.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use foundation::{ExitReason, Supervisor, TaskSupervisor};
use futures_util::future::join_all;
use signals::coordination::{Coordination, DeadLetter, Reach, Sent};
use testkit::for_each_seed;

use super::*;

const IDS: [&str; 3] = ["b", "c", "d"];
/// What their mailboxes do with what is too much.
const OVERFLOWS: [Overflow; 3] = [Overflow::Reject, Overflow::DropOldest, Overflow::DropNewest];
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

/// A message: its type and its receiver.
type Key = (String, String);
/// What a sender was told of each message, as a code.
type Told = Mutex<BTreeMap<Key, String>>;
/// Why dead letters are that of which nobody has begun the message.
const NOT_BEGUN: [&str; 6] = [
    "no_such_receiver",
    "buffer_overflowed",
    "kept_too_long",
    "mailbox_full",
    "circuit_open",
    "timeout",
];

struct Run {
    system: System,
    coordination: Coordination,
    scripts: Vec<Script>,
    told: Told,
    /// What was sent again.
    retried: Mutex<BTreeSet<Key>>,
    /// What senders were told is kept, and when.
    kept: Mutex<Vec<(Key, Instant)>>,
    /// By what all times are divided.
    haste: u64,
}

/// Longer than a circuit is open, and shorter than the longest hang.
const KEEP_FOR: Duration = Duration::from_millis(3_500);

fn key(letter: &DeadLetter) -> Key {
    (letter.signal.topic().as_str().to_owned(), letter.to.to_string())
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

impl Script {
    fn begun(&self) -> impl Iterator<Item = Key> {
        let id = self.id;
        self.log.entries().into_iter().map(move |topic| (topic, id.to_owned()))
    }
}

impl Run {
    async fn new(haste: u64) -> Self {
        let builder = Coordination::builder()
            .buffer(5)
            .deadline(Duration::from_millis(1_000 / haste))
            .reset_after(Duration::from_millis(3_000 / haste))
            .keep_for(KEEP_FOR / u32::try_from(haste).unwrap())
            .failure_threshold(3);
        let (system, coordination) = started_with(builder).await;
        let scripts: Vec<_> = IDS.iter().map(|id| Script::new(id, &coordination)).collect();
        let mut supervisor =
            Supervisor::one_for_one().name("agents").intensity(100_000, Duration::from_secs(1));
        for (script, overflow) in scripts.iter().zip(OVERFLOWS) {
            let mailbox = Mailbox::bounded(4).overflow(overflow);
            supervisor = supervisor.child(script.spec().mailbox(mailbox).registered());
        }
        system.start(supervisor).await.unwrap();
        let (told, retried, kept) = (Told::default(), Mutex::default(), Mutex::default());
        Self { system, coordination, scripts, told, retried, kept, haste }
    }

    fn up_to(&self, millis: u64, random: &mut Rng) -> Duration {
        Duration::from_micros(random.u64(1..millis * 1_000) / self.haste + 1)
    }

    fn tell(&self, topic: &str, to: &str, told: String) {
        if told == "kept" {
            self.kept.lock().unwrap().push(((topic.into(), to.into()), Instant::now()));
        }
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
                        Ok(sent) => {
                            let is_full = |one: &Sent| {
                                let Ok(Coordinated::Buffered(error)) = &one.outcome else {
                                    return false;
                                };
                                error.code() == "mailbox_full"
                            };
                            let has_room =
                                reach != Reach::AllOrNothing || !sent.iter().any(is_full);
                            assert!(has_room, "a place was promised: {sent:?}");
                            self.tell_all(&sent);
                        }
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

    /// Sends dead letters again that nobody has begun, at any time.
    async fn retry(&self, mut random: Rng) {
        for _ in 0..40 {
            pause(self.up_to(900, &mut random)).await;
            let letters = self.coordination.dead_letters();
            let mut listed = letters.list(usize::MAX);
            listed.retain(|letter| NOT_BEGUN.contains(&letter.reason.code()));
            let Some(before) = random.choice(&listed) else { continue };
            self.retried.lock().unwrap().insert(key(before));
            let error = match letters.retry(before.id).await {
                Ok(_) => continue,
                Err(error) if error.code() == "attempts_used_up" => continue,
                Err(error) => error,
            };
            let after = letters.get(before.id).unwrap();
            let tried = match error.code() {
                "circuit_open" | "mailbox_full" => 0..=0,
                // It had gone, or went before it began.
                "no_such_receiver" => 0..=1,
                _ => 1..=1,
            };
            assert!(tried.contains(&(after.attempts - before.attempts)), "{error}: {after:?}");
            assert_eq!((after.since, after.reason.code()), (before.since, error.code()));
        }
    }

    /// What a sender was told is kept has come to something when its time is over, to the moment.
    async fn look(&self) {
        for _ in 0..4_000 {
            pause(KEEP_FOR / 300).await;
            let now = Instant::now();
            let mut kept = self.kept.lock().unwrap();
            let over: Vec<_> = kept.extract_if(.., |(_, since)| *since + KEEP_FOR < now).collect();
            drop(kept);
            if over.is_empty() {
                continue;
            }
            let letters = self.coordination.dead_letters().list(usize::MAX);
            let buried: BTreeSet<_> = letters.iter().map(key).collect();
            let begun: BTreeSet<_> = self.scripts.iter().flat_map(Script::begun).collect();
            for (key, _) in over {
                let is_sent_again = self.retried.lock().unwrap().contains(&key);
                let is_over = buried.contains(&key) || begun.contains(&key) || is_sent_again;
                assert!(is_over, "{key:?} is kept for too long");
            }
        }
    }

    fn check(&self) {
        let letters = self.coordination.dead_letters().list(usize::MAX);
        let mut buried = BTreeMap::new();
        for letter in &letters {
            let key = key(letter);
            let handled = (letter.reason.code().to_owned(), letter.may_be_handled);
            assert_eq!(buried.insert(key, handled), None, "twice among the dead letters");
        }
        let begun: BTreeSet<_> = self.scripts.iter().flat_map(Script::begun).collect();
        self.check_order();
        let retried = self.retried.lock().unwrap();
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
                "dead_letter" => letter.is_some() || (was_begun && retried.contains(key)),
                _ => false,
            };
            assert!(is_known, "{key:?} is {told}, begun: {was_begun}, buried: {letter:?}");
        }
        for (key, (reason, may_be_handled)) in &buried {
            let was_begun = begun.contains(key);
            let expected = !NOT_BEGUN.contains(&reason.as_str());
            assert_eq!(was_begun, expected, "{key:?}: {reason}");
            assert_eq!(*may_be_handled, reason == "outcome_unknown", "{key:?}: {reason}");
        }
    }

    fn check_order(&self) {
        let retried = self.retried.lock().unwrap();
        for script in &self.scripts {
            let begun: Vec<_> = script.begun().collect();
            let once: BTreeSet<_> = begun.iter().collect();
            assert_eq!(once.len(), begun.len(), "{}: twice: {begun:?}", script.id);
            for from in SENDERS {
                let of = begun.iter().filter(|key| key.0.starts_with(from));
                let of: Vec<_> = of.filter(|key| !retried.contains(*key)).collect();
                assert!(of.is_sorted_by(|a, b| a < b), "{}: out of order: {of:?}", script.id);
            }
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
        assert!(left.iter().all(|letter| letter.may_be_handled || letter.attempts == 5));
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
            let retrying = run.retry(random.fork());
            tokio::join!(join_all(senders), disturbing, retrying, run.look());
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
    let retrying = Arc::clone(&run);
    let again = random.fork();
    let retrying = tasks.async_nolink(async move {
        retrying.retry(again).await;
        Ok(())
    });
    let disturbing = Arc::clone(&run);
    let disturbing = tasks.async_nolink(async move {
        disturbing.disturb(random).await;
        Ok(())
    });
    for sender in senders {
        sender.await.unwrap();
    }
    disturbing.unwrap().await.unwrap();
    retrying.unwrap().await.unwrap();
    run.finish().await;
    let run = Arc::into_inner(run).unwrap();
    run.system.stop().await.unwrap();
}
