//! Several agents: work that is shared out, and delegated further. COORD-3.

use std::time::Duration;

use foundation::{Actor, ActorRef, ChildSpec, Context, Error, Flow, Init, Result};
use signals::Signal;
use signals::coordination::{Acknowledgement, Assignment, Coordination, Sent};
use tokio::time::Instant;

use super::*;

/// An agent that gives its work to the next one, and answers with what comes of it.
struct Lead {
    coordination: Coordination,
    id: &'static str,
    next: Option<&'static str>,
    log: Log,
}

impl Actor for Lead {
    type Args = (Coordination, &'static str, Option<&'static str>, Log);
    type Message = Assignment;

    async fn init(args: Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>> {
        let (coordination, id, next, log) = args;
        coordination.join(id, &cx.me())?;
        Ok(Init::Ready(Self { coordination, id, next, log }))
    }

    async fn handle(&mut self, assignment: Assignment, _: &mut Context<Self>) -> Result<Flow> {
        let Some((signal, acknowledgement)) = assignment.begin() else { return Ok(Flow::Continue) };
        let cause = signal.extension("causationid").map(|id| format!("{id:?}"));
        let entry = format!("{} {} of {}", self.id, signal.topic(), acknowledgement.from());
        self.log.push(entry);
        self.log.push(cause.unwrap_or_default());
        let outcome = self.work(&signal, &acknowledgement).await;
        acknowledgement.settle(outcome);
        Ok(Flow::Continue)
    }
}

impl Lead {
    async fn work(&self, signal: &Signal, told: &Acknowledgement) -> Result<()> {
        assert_eq!(told.to(), self.id);
        let Some(next) = self.next else {
            return match signal.topic().as_str() {
                "impossible" => Err(Error::business("cannot_be_done")),
                _ => Ok(()),
            };
        };
        let further = Signal::new(signal.topic().as_str().to_owned(), "/lead");
        let further = further.extension("causationid", signal.id().to_string());
        let wait = Duration::from_millis(500);
        let outcome = self.coordination.delegate(self.id, next, further).within(wait).await?;
        if outcome.is_acknowledged() { Ok(()) } else { Err(Error::infrastructure("not_done")) }
    }
}

async fn lead(
    system: &System,
    coordination: &Coordination,
    id: &'static str,
    next: Option<&'static str>,
    log: &Log,
) -> ActorRef<Lead> {
    let args = (coordination.clone(), id, next, log.clone());
    system.start(ChildSpec::<Lead>::once(id, args)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn work_is_delegated_further_and_each_step_knows_its_cause() {
    let (system, coordination) = started().await;
    let log = Log::default();
    let _b = lead(&system, &coordination, "b", Some("c"), &log).await;
    let _c = lead(&system, &coordination, "c", Some("d"), &log).await;
    let _d = lead(&system, &coordination, "d", None, &log).await;
    let work = signal("work").extension("causationid", "order-7").stamp(&system).unwrap();
    acknowledged(coordination.delegate("a", "b", work.clone()).await);
    let entries = log.take();
    let steps: Vec<_> = entries.iter().step_by(2).collect();
    assert_eq!(steps, ["b work of a", "c work of b", "d work of c"]);
    assert!(entries[1].contains("order-7"), "{entries:?}");
    assert!(entries[3].contains(&work.id().to_string()), "{entries:?}");
    assert_ne!(entries[5], entries[3]);
    // What is the matter at the end comes back to the beginning.
    let outcome = coordination.delegate("a", "b", signal("impossible")).await;
    assert_eq!(refused(outcome), "cannot_be_done");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failure_further_down_comes_back_as_an_error() {
    let (system, coordination) = started().await;
    let log = Log::default();
    let _b = lead(&system, &coordination, "b", Some("c"), &log).await;
    let (c, script) = agent(&system, &coordination, "c").await;
    let work = || coordination.delegate("a", "b", signal("work")).into_future();
    script.next([Does::Fail, Does::Panic]);
    assert_eq!(refused(work().await), "bank_unreachable");
    assert_eq!(refused(work().await), "outcome_unknown");
    c.exited().await;
    assert_eq!(refused(work().await), "no_such_receiver");
    assert_eq!(script.log.entries(), ["work", "work"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn work_is_shared_out_among_several_at_the_same_time() {
    let (system, coordination) = started().await;
    let mut scripts = Vec::new();
    for (id, millis) in [("b", 300), ("c", 200), ("d", 100)] {
        let (_, script) = agent(&system, &coordination, id).await;
        script.then(Does::Take(Duration::from_millis(millis)));
        scripts.push(script);
    }
    let began = Instant::now();
    let parts = [("b", signal("part.1")), ("c", signal("part.2")), ("d", signal("part.3"))];
    let sent = coordination.distribute("a", parts).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(300));
    assert!(sent.iter().all(Sent::is_acknowledged));
    let parts: Vec<_> = scripts.iter().flat_map(|script| script.log.entries()).collect();
    assert_eq!(parts, ["part.1", "part.2", "part.3"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_that_delegate_to_each_other_at_the_same_time_get_their_answers() {
    let (system, coordination) = started().await;
    let log = Log::default();
    let _b = lead(&system, &coordination, "b", Some("c"), &log).await;
    let _c = lead(&system, &coordination, "c", Some("b"), &log).await;
    let began = Instant::now();
    let work = [("b", signal("work")), ("c", signal("work"))];
    let sent = coordination.distribute("a", work).await.unwrap();
    for one in &sent {
        assert_eq!(one.outcome.as_ref().unwrap_err().code(), "not_done");
    }
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    system.stop().await.unwrap();
}
