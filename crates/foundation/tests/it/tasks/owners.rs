//! Tasks that belong to somebody: they fail together, and end before their owner has.

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Exit, ExitReason, Flow, Init, Job, Reply, Restart, Result,
    Shutdown, Supervisor, Task, TaskContext, TaskSupervisor,
};
use testkit::{Log, pass};

use super::{Goodbye, MOMENT, SECOND, Stage, failed};
use crate::fixture::after;

/// An actor that starts tasks.
struct Boss {
    tasks: ActorRef<TaskSupervisor>,
    log: Log,
    held: Vec<Task<u32>>,
}

enum Order {
    /// Start such a helper and hold it.
    Start(Helper, Reply<foundation::Pid>),
    /// Start one, await it, and say what came of it.
    Await(Helper, Reply<Result<u32>>),
    Trap,
    /// Do that with the helper that was started last.
    Then(Then, Reply<()>),
    /// Give the helpers away.
    HandOver(Reply<Vec<Task<u32>>>),
    End(ExitReason),
    Panic,
    /// Start one that panics, look away until it has, and drop it.
    FailAndDrop(Reply<()>),
    Links(Reply<usize>),
    /// Await so many within one message, and say how many links there ever were.
    AwaitMany(u32, Reply<usize>),
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Drop,
    Ignore,
    Shutdown(Shutdown),
    /// Wait for it, but not so long.
    Within,
}

#[derive(Debug, Clone, Copy)]
enum Helper {
    /// Works until it is ended, and says goodbye.
    Works,
    /// The same, and chooses how to end, but never does.
    Stubborn,
    Done,
    Fails,
    Panics,
}

impl Actor for Boss {
    type Args = (ActorRef<TaskSupervisor>, Log);
    type Message = Order;

    async fn init((tasks, log): Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>> {
        log.push(format!("boss {}", cx.pid().generation));
        Ok(Init::Ready(Self { tasks, log, held: Vec::new() }))
    }

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<Flow> {
        match order {
            Order::Start(helper, reply) => {
                let task = self.start(helper, cx)?;
                reply.send(task.pid().expect("it runs"));
                self.held.push(task);
            }
            Order::Await(helper, reply) => {
                let result = self.start(helper, cx)?.await;
                reply.send(result);
            }
            Order::Then(then, reply) => {
                let helper = self.held.pop().expect("it has a helper");
                match then {
                    Then::Drop => drop(helper),
                    Then::Ignore => assert!(helper.ignore().is_none()),
                    Then::Shutdown(how) => assert!(helper.shutdown(how).await.is_ok()),
                    Then::Within => assert!(helper.within(MOMENT).await.is_err()),
                }
                reply.send(());
            }
            Order::Trap => cx.trap_exits(true),
            Order::HandOver(reply) => reply.send(std::mem::take(&mut self.held)),
            Order::End(reason) => return Ok(Flow::Stop(reason)),
            Order::Panic => panic!("the boss"),
            Order::FailAndDrop(reply) => {
                let helper = self.start(Helper::Panics, cx)?;
                pass(MOMENT).await;
                drop(helper);
                reply.send(());
            }
            Order::Links(reply) => reply.send(cx.links()),
            Order::AwaitMany(many, reply) => {
                let mut most = 0;
                for _ in 0..many {
                    self.start(Helper::Done, cx)?.await?;
                    most = most.max(cx.links());
                }
                reply.send(most);
            }
        }
        Ok(Flow::Continue)
    }

    async fn on_exit(&mut self, exit: Exit, _: &mut Context<Self>) -> Result<Flow> {
        self.log.push(format!("{} exited: {}", exit.name, exit.reason));
        Ok(Flow::Continue)
    }
}

impl Boss {
    fn start(&self, helper: Helper, cx: &mut Context<Self>) -> Result<Task<u32>> {
        let goodbye = Goodbye(self.log.clone(), "helper gone");
        let work = move |task: TaskContext| async move {
            let _goodbye = goodbye;
            match helper {
                Helper::Works => std::future::pending().await,
                Helper::Stubborn => {
                    task.trap_exits();
                    std::future::pending().await
                }
                Helper::Done => Ok(7),
                Helper::Fails => Err(failed()),
                Helper::Panics => panic!("the helper"),
            }
        };
        self.tasks.async_linked(cx, Job::with(work).name("helper"))
    }
}

impl Drop for Boss {
    fn drop(&mut self) {
        self.log.push("boss gone");
    }
}

/// A boss under a supervisor of its own.
async fn boss(stage: &Stage) -> (ActorRef<Boss>, Log) {
    let log = Log::default();
    let args = (stage.tasks.clone(), log.clone());
    let spec = ChildSpec::<Boss>::actor("boss", args).restart(Restart::Permanent);
    let supervisor = Supervisor::one_for_one().child(spec).start(&stage.system).await.unwrap();
    (supervisor.child("boss").await.unwrap(), log)
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_linked_to_its_task_and_gets_what_it_comes_to() {
    // OTP H10
    let stage = Stage::set().await;
    let (boss, _) = boss(&stage).await;
    let pid = boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
    let task = stage.tasks.child::<foundation::TaskActor>(pid).unwrap();
    assert_eq!((stage.count(), task.links(), task.watchers()), (1, 1, 1));
    assert_eq!(boss.ask(Order::Links).await, Ok(1));
    assert_eq!(boss.ask(|reply| Order::Await(Helper::Done, reply)).await, Ok(Ok(7)));
    stage.settle().await;
    assert_eq!(boss.ask(Order::Links).await, Ok(1));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_nobody_is_linked_to_harms_nobody() {
    // OTP H10 for `async_nolink`
    let stage = Stage::set().await;
    let (boss, log) = boss(&stage).await;
    let failing = stage.tasks.async_nolink(async { Err::<u32, _>(failed()) }).unwrap();
    assert_eq!(stage.reference(&failing).links(), 0);
    assert_eq!(failing.await.unwrap_err().code(), "failed");
    assert_eq!((boss.pid().generation, log.entries()), (1, vec!["boss 1".to_owned()]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn helpers_are_gone_before_their_owner_is_and_before_it_is_started_again() {
    // K08, K09
    for helper in [Helper::Works, Helper::Stubborn] {
        for order in [Order::Panic, Order::End(ExitReason::Normal), Order::End(ExitReason::Killed)]
        {
            let stage = Stage::set().await;
            let (boss, log) = boss(&stage).await;
            for _ in 0..3 {
                boss.ask(|reply| Order::Start(helper, reply)).await.unwrap();
            }
            stage.settle().await;
            let exited = boss.exited();
            boss.tell(order).await.unwrap();
            exited.await;
            assert_eq!(stage.count(), 0);
            stage.settle().await;
            let gone = ["helper gone"; 3];
            let expected = [&["boss 1", "boss gone"][..], &gone, &["boss 2"]].concat();
            assert_eq!(log.entries(), expected);
            stage.strike().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn helpers_of_a_killed_owner_are_gone_before_it_is() {
    // K08
    let stage = Stage::set().await;
    let (boss, log) = boss(&stage).await;
    boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
    stage.settle().await;
    let exited = boss.exited();
    boss.kill();
    assert_eq!((exited.await, log.count("helper gone"), stage.count()), (ExitReason::Killed, 1, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn helpers_end_with_their_owner_whoever_holds_them() {
    // K08: the holder learns how they ended.
    let stage = Stage::set().await;
    let (boss, _) = boss(&stage).await;
    boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
    let mut tasks = boss.ask(Order::HandOver).await.unwrap();
    let exited = boss.exited();
    boss.tell(Order::End(ExitReason::Normal)).await.unwrap();
    assert_eq!(exited.await, ExitReason::Normal);
    let task = tasks.pop().unwrap();
    assert_eq!(super::why(task.await), "actor_stopped shutdown: unwanted");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_helper_is_that_of_its_owner_unless_it_traps_exits() {
    // K08: a helper that panics is reported to its owner.
    let stage = Stage::set().await;
    let (boss, log) = boss(&stage).await;
    for (helper, reason) in
        [(Helper::Fails, "error: failed"), (Helper::Panics, "panic: the helper")]
    {
        let exited = boss.exited();
        boss.ask(|reply| Order::Start(helper, reply)).await.unwrap();
        let ended = exited.await.to_string();
        assert!(ended.starts_with(reason), "{ended}");
        stage.settle().await;
    }
    boss.tell(Order::Trap).await.unwrap();
    drop(log.take());
    for helper in [Helper::Fails, Helper::Panics, Helper::Done] {
        boss.ask(|reply| Order::Start(helper, reply)).await.unwrap();
        stage.settle().await;
    }
    let entries = log.take();
    let told: Vec<_> = entries.iter().filter(|entry| entry.contains("exited")).collect();
    assert_eq!((told.len(), boss.pid().generation), (3, 3), "{entries:?}");
    assert!(told[1].starts_with("helper exited: panic: the helper, at"));
    assert_eq!(told[2], "helper exited: normal");
    assert_eq!(boss.ask(Order::Links).await, Ok(0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_its_holder_ends_is_no_failure_of_the_owner() {
    // OTP I12 and H18 for a task that is linked
    for traps in [false, true] {
        let stage = Stage::set().await;
        let (boss, log) = boss(&stage).await;
        if traps {
            boss.tell(Order::Trap).await.unwrap();
        }
        let brutal = Then::Shutdown(Shutdown::BrutalKill);
        for then in [Then::Drop, Then::Within, Then::Shutdown(Shutdown::default()), brutal] {
            boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
            stage.settle().await;
            boss.ask(|reply| Order::Then(then, reply)).await.unwrap();
            stage.settle().await;
            assert_eq!((stage.count(), boss.ask(Order::Links).await), (0, Ok(0)), "{then:?}");
        }
        assert_eq!((boss.pid().generation, log.count("helper gone")), (1, 4));
        assert_eq!(log.entries().len(), 5);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_had_failed_before_it_was_dropped_is_a_failure_of_the_owner() {
    let stage = Stage::set().await;
    let (boss, _) = boss(&stage).await;
    let exited = boss.exited();
    boss.ask(Order::FailAndDrop).await.unwrap();
    assert!(exited.await.to_string().starts_with("panic: the helper"));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_is_ignored_outlives_its_owner() {
    // OTP I17 for a task that is linked
    let stage = Stage::set().await;
    let (boss, log) = boss(&stage).await;
    boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
    boss.ask(|reply| Order::Then(Then::Ignore, reply)).await.unwrap();
    let exited = boss.exited();
    boss.kill();
    exited.await;
    stage.settle().await;
    assert_eq!((stage.count(), log.count("helper gone")), (1, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn errors_of_nested_tasks_carry_what_led_to_them() {
    // OTP H17
    let stage = Stage::set().await;
    let tasks = stage.tasks.clone();
    let outer = Job::with(move |mut cx: TaskContext| async move {
        cx.error_context().insert("order", 7);
        cx.error_context().breadcrumb("begins");
        let inner = Job::new(async { Err::<u32, _>(failed()) }).name("child");
        tasks.async_linked(&mut cx, inner)?.await
    });
    let context = stage.system.error_context("checkout").with_correlation_id("r-17");
    let outer = stage.tasks.async_nolink(outer.name("parent").in_context(&context)).unwrap();
    let error = outer.await.unwrap_err();
    let origin = error.origin().unwrap();
    assert_eq!(origin.operation, "checkout/parent/child");
    assert_eq!(origin.correlation_id.as_deref(), Some("r-17"));
    assert_eq!((&origin.metadata["order"], origin.breadcrumbs.len()), (&7.into(), 1));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_owns_tasks_too() {
    // K08
    let stage = Stage::set().await;
    let (tasks, log) = (stage.tasks.clone(), Log::default());
    let inner_log = log.clone();
    let outer = Job::with(move |mut cx: TaskContext| async move {
        let goodbye = Goodbye(inner_log, "inner gone");
        let inner = tasks.async_linked(&mut cx, async move {
            let _goodbye = goodbye;
            std::future::pending::<Result<u32>>().await
        })?;
        inner.await
    });
    let outer = stage.tasks.async_nolink(outer).unwrap();
    stage.settle().await;
    assert_eq!(stage.count(), 2);
    assert_eq!(outer.shutdown(foundation::Shutdown::default()).await, Ok(None));
    assert_eq!((stage.count(), log.entries()), (0, vec!["inner gone".to_owned()]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_traps_exits_hears_of_the_end_of_its_helper_as_a_request_to_end() {
    let stage = Stage::set().await;
    let tasks = stage.tasks.clone();
    let outer = Job::with(move |mut cx: TaskContext| async move {
        cx.trap_exits();
        let helper = tasks.async_linked(&mut cx, async { Err::<u32, _>(failed()) })?;
        cx.stopping().await;
        Ok(helper.await.unwrap_err().code().to_owned())
    });
    let outer = stage.tasks.async_nolink(outer).unwrap();
    assert_eq!(outer.await.as_deref(), Ok("failed"));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_with_thousands_of_helpers_over_time_keeps_nothing_of_them() {
    // K08
    let stage = Stage::set().await;
    let (boss, _) = boss(&stage).await;
    for _ in 0..2000 {
        assert_eq!(boss.ask(|reply| Order::Await(Helper::Done, reply)).await, Ok(Ok(7)));
    }
    // Nor when it looks at nothing else meanwhile.
    let most = boss.ask(|reply| Order::AwaitMany(2000, reply)).await.unwrap();
    assert!(most <= 1, "{most} links");
    after(MOMENT).await;
    assert_eq!((boss.ask(Order::Links).await, boss.links(), stage.count()), (Ok(0), 0, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_supervisor_of_tasks_ends_fails_with_it() {
    let stage = Stage::set().await;
    let (boss, _) = boss(&stage).await;
    boss.ask(|reply| Order::Start(Helper::Works, reply)).await.unwrap();
    stage.settle().await;
    let exited = boss.exited();
    stage.tasks.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!(exited.await, ExitReason::Shutdown);
    pass(SECOND).await;
    assert!(boss.is_alive());
    stage.strike().await;
}
