//! Monitors and links: who hears of whose end, once, and that nothing of either is left behind.

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Down, Exit, ExitReason, Flow, Init, MonitorRef, Pid,
    Reply, Restart, Result, Supervisor, System,
};
use testkit::{Log, Pull, Puppet};

use crate::fixture::system;

/// Watches and links as it is told, and writes down what it hears.
pub(crate) struct Watcher(Log);

pub(crate) enum Do {
    Monitor(ActorRef<Puppet>, Reply<MonitorRef>),
    Demonitor(MonitorRef, Reply<bool>),
    DemonitorAndFlush(MonitorRef, Reply<bool>),
    /// Ends the other one and demonitors it while what the monitor tells is on its way.
    KillThenDemonitor(ActorRef<Puppet>, MonitorRef, bool, Reply<bool>),
    MonitorSelf(Reply<()>),
    Link(ActorRef<Puppet>, Reply<()>),
    LinkSupervisor(ActorRef<Supervisor>, Reply<()>),
    LinkOther(ActorRef<Watcher>, Reply<()>),
    Unlink(Pid, Reply<bool>),
    /// Ends the other one and unlinks it while what the link tells is on its way.
    KillThenUnlink(ActorRef<Puppet>, Reply<bool>),
    Trap(bool, Reply<()>),
    Counts(Reply<(usize, usize)>),
    Exit(ExitReason),
}

impl Actor for Watcher {
    type Args = Log;
    type Message = Do;

    async fn init(log: Log, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(log)))
    }

    async fn handle(&mut self, message: Do, cx: &mut Context<Self>) -> Result<Flow> {
        match message {
            Do::Monitor(other, reply) => reply.send(cx.monitor(&other)),
            Do::Demonitor(monitor, reply) => reply.send(cx.demonitor(monitor)),
            Do::DemonitorAndFlush(monitor, reply) => reply.send(cx.demonitor_and_flush(monitor)),
            Do::KillThenDemonitor(other, monitor, flush, reply) => {
                Puppet::kill(&other).await;
                reply.send(if flush {
                    cx.demonitor_and_flush(monitor)
                } else {
                    cx.demonitor(monitor)
                });
            }
            Do::MonitorSelf(reply) => {
                cx.monitor(&cx.me());
                reply.send(());
            }
            Do::Link(other, reply) => {
                cx.link(&other);
                reply.send(());
            }
            Do::LinkSupervisor(other, reply) => {
                cx.link(&other);
                reply.send(());
            }
            Do::LinkOther(other, reply) => {
                cx.link(&other);
                reply.send(());
            }
            Do::Unlink(pid, reply) => reply.send(cx.unlink(pid)),
            Do::KillThenUnlink(other, reply) => {
                let pid = other.pid();
                Puppet::kill(&other).await;
                reply.send(cx.unlink(pid));
            }
            Do::Trap(traps, reply) => {
                cx.trap_exits(traps);
                reply.send(());
            }
            Do::Counts(reply) => reply.send((cx.monitors(), cx.links())),
            Do::Exit(reason) => return Ok(Flow::Stop(reason)),
        }
        Ok(Flow::Continue)
    }

    async fn on_down(&mut self, down: Down, _: &mut Context<Self>) -> Result<Flow> {
        self.0.push(format!("{} down: {}", down.name, down.reason));
        Ok(Flow::Continue)
    }

    async fn on_exit(&mut self, exit: Exit, _: &mut Context<Self>) -> Result<Flow> {
        self.0.push(format!("{} exit: {}", exit.name, exit.reason));
        Ok(Flow::Continue)
    }
}

struct Scene {
    system: System,
    watcher: ActorRef<Watcher>,
    puppet: ActorRef<Puppet>,
    log: Log,
}

impl Scene {
    async fn set() -> Self {
        let (system, log) = (system().await, Log::default());
        let watcher = system.start(ChildSpec::<Watcher>::actor("w", log.clone())).await.unwrap();
        let puppet = system.start(Puppet::spec("a", &Log::default())).await.unwrap();
        Self { system, watcher, puppet, log }
    }

    async fn monitor(&self) -> MonitorRef {
        self.watcher.ask(|reply| Do::Monitor(self.puppet.clone(), reply)).await.unwrap()
    }

    async fn link(&self) {
        self.watcher.ask(|reply| Do::Link(self.puppet.clone(), reply)).await.unwrap();
    }

    async fn trap(&self, traps: bool) {
        self.watcher.ask(|reply| Do::Trap(traps, reply)).await.unwrap();
    }

    /// What the watcher has heard, when it has heard everything that was said by now.
    async fn heard(&self) -> Vec<String> {
        self.watcher.ask(Do::Counts).await.unwrap();
        self.log.take()
    }

    /// Monitors and links of the watcher, and those of whom it watches.
    async fn counts(&self) -> (usize, usize, usize, usize) {
        let (monitors, links) = self.watcher.ask(Do::Counts).await.unwrap();
        (monitors, links, self.puppet.watchers(), self.puppet.links())
    }

    async fn strike(self) {
        self.system.stop().await.unwrap();
    }
}

/// An actor that is linked to a supervisor.
pub(crate) async fn linked_to(
    system: &System,
    supervisor: &ActorRef<Supervisor>,
) -> ActorRef<Watcher> {
    let spec = ChildSpec::<Watcher>::actor("stranger", Log::default());
    let stranger = system.start(spec).await.unwrap();
    stranger.ask(|reply| Do::LinkSupervisor(supervisor.clone(), reply)).await.unwrap();
    stranger
}

#[tokio::test(start_paused = true)]
async fn a_monitor_tells_once_of_the_end_and_its_reason() {
    // OTP J01
    for (reason, told) in [
        (ExitReason::Normal, "a down: normal"),
        (ExitReason::shutdown_with("x"), "a down: shutdown: x"),
    ] {
        let scene = Scene::set().await;
        scene.monitor().await;
        assert_eq!(scene.counts().await, (1, 0, 1, 0));
        Puppet::exit(&scene.puppet, reason).await;
        assert_eq!(scene.heard().await, [told]);
        assert_eq!(scene.counts().await, (0, 0, 0, 0));
        assert!(scene.heard().await.is_empty());
        scene.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_of_the_dead_tells_at_once() {
    // OTP J02
    let scene = Scene::set().await;
    Puppet::kill(&scene.puppet).await;
    scene.monitor().await;
    assert_eq!(scene.heard().await, ["a down: no process"]);
    assert_eq!(scene.counts().await, (0, 0, 0, 0));
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn several_monitors_tell_each_for_itself() {
    let scene = Scene::set().await;
    let (one, two) = (scene.monitor().await, scene.monitor().await);
    assert_ne!(one, two);
    assert_eq!(scene.counts().await, (2, 0, 2, 0));
    assert!(scene.watcher.ask(|reply| Do::Demonitor(one, reply)).await.unwrap());
    Puppet::kill(&scene.puppet).await;
    assert_eq!(scene.heard().await, ["a down: killed"]);
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_demonitor_nothing_comes_and_nothing_is_left() {
    // OTP J04
    let scene = Scene::set().await;
    let monitor = scene.monitor().await;
    assert!(scene.watcher.ask(|reply| Do::Demonitor(monitor, reply)).await.unwrap());
    assert!(!scene.watcher.ask(|reply| Do::Demonitor(monitor, reply)).await.unwrap());
    assert_eq!(scene.counts().await, (0, 0, 0, 0));
    Puppet::kill(&scene.puppet).await;
    assert!(scene.heard().await.is_empty());
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_comes_after_a_demonitor_unless_it_is_flushed() {
    // OTP J04, J05
    for flush in [false, true] {
        let scene = Scene::set().await;
        let monitor = scene.monitor().await;
        let puppet = scene.puppet.clone();
        let told = scene.watcher.ask(|reply| Do::KillThenDemonitor(puppet, monitor, flush, reply));
        assert!(!told.await.unwrap());
        let expected: &[&str] = if flush { &[] } else { &["a down: killed"] };
        assert_eq!(scene.heard().await, expected);
        let again = scene.watcher.ask(|reply| Do::DemonitorAndFlush(monitor, reply));
        assert!(!again.await.unwrap());
        assert_eq!(scene.counts().await, (0, 0, 0, 0));
        scene.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_watches_nobody_and_is_linked_to_nobody() {
    let scene = Scene::set().await;
    scene.monitor().await;
    scene.watcher.ask(Do::MonitorSelf).await.unwrap();
    scene.link().await;
    assert_eq!(scene.counts().await, (2, 1, 1, 1));
    scene.watcher.stop(ExitReason::Normal).await.unwrap();
    // A normal end does not end the other one, which has only to hear of it.
    scene.puppet.ask(Pull::Starts).await.unwrap();
    assert_eq!((scene.puppet.watchers(), scene.puppet.links()), (0, 0));
    assert!(scene.puppet.is_alive());
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_linked_actor_ends_for_the_same_reason_unless_it_is_normal() {
    // OTP J06; as there, `Shutdown` is handed on too.
    for (reason, ends) in [
        (ExitReason::Normal, false),
        (ExitReason::Shutdown, true),
        (ExitReason::shutdown_with("x"), true),
        (ExitReason::Killed, true),
    ] {
        let scene = Scene::set().await;
        scene.link().await;
        let watcher = scene.watcher.clone();
        let exited = watcher.exited();
        match &reason {
            ExitReason::Killed => Puppet::kill(&scene.puppet).await,
            reason => Puppet::exit(&scene.puppet, reason.clone()).await,
        }
        if ends {
            assert_eq!(exited.await, reason);
        } else {
            assert!(scene.heard().await.is_empty());
            assert_eq!(scene.counts().await, (0, 0, 0, 0));
        }
        scene.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_goes_both_ways() {
    let scene = Scene::set().await;
    scene.link().await;
    let exited = scene.puppet.exited();
    scene.watcher.tell(Do::Exit(ExitReason::shutdown_with("together"))).await.unwrap();
    assert_eq!(exited.await, ExitReason::shutdown_with("together"));
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_traps_exits_is_told_of_them_and_goes_on() {
    // OTP J08
    for (reason, told) in [
        (ExitReason::Normal, "a exit: normal"),
        (ExitReason::Shutdown, "a exit: shutdown"),
        (ExitReason::Killed, "a exit: killed"),
    ] {
        let scene = Scene::set().await;
        scene.trap(true).await;
        scene.link().await;
        // A second link is none.
        scene.link().await;
        assert_eq!(scene.counts().await, (0, 1, 0, 1));
        match reason {
            ExitReason::Killed => Puppet::kill(&scene.puppet).await,
            reason => Puppet::exit(&scene.puppet, reason).await,
        }
        assert_eq!(scene.heard().await, [told]);
        assert_eq!(scene.counts().await, (0, 0, 0, 0));
        scene.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_cannot_be_trapped() {
    // OTP J09
    let scene = Scene::set().await;
    scene.trap(true).await;
    scene.watcher.kill();
    assert_eq!(scene.watcher.exited().await, ExitReason::Killed);
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn after_an_unlink_nothing_comes_even_if_it_was_on_its_way() {
    // OTP J10
    let scene = Scene::set().await;
    scene.trap(true).await;
    scene.link().await;
    let pid = scene.puppet.pid();
    assert!(scene.watcher.ask(|reply| Do::Unlink(pid, reply)).await.unwrap());
    assert!(!scene.watcher.ask(|reply| Do::Unlink(pid, reply)).await.unwrap());
    assert_eq!(scene.counts().await, (0, 0, 0, 0));
    scene.link().await;
    let puppet = scene.puppet.clone();
    assert!(scene.watcher.ask(|reply| Do::KillThenUnlink(puppet, reply)).await.unwrap());
    assert!(scene.heard().await.is_empty());
    assert_eq!(scene.counts().await, (0, 0, 0, 0));
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn to_link_the_dead_is_to_learn_of_it() {
    for traps in [false, true] {
        let scene = Scene::set().await;
        scene.trap(traps).await;
        Puppet::kill(&scene.puppet).await;
        if traps {
            scene.link().await;
            assert_eq!(scene.heard().await, ["a exit: no process"]);
        } else {
            let exited = scene.watcher.exited();
            scene.link().await;
            assert_eq!(exited.await, ExitReason::NoProc);
        }
        scene.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_links_ends_as_one() {
    let system = system().await;
    let spec = |name: &'static str| ChildSpec::<Watcher>::actor(name, Log::default());
    let mut chain = vec![system.start(spec("first")).await.unwrap()];
    for name in ["second", "third", "fourth"] {
        let next = system.start(spec(name)).await.unwrap();
        let last = chain.last().unwrap().clone();
        next.ask(|reply| Do::LinkOther(last, reply)).await.unwrap();
        chain.push(next);
    }
    let exited: Vec<_> = chain.iter().map(ActorRef::exited).collect();
    chain[1].kill();
    for exit in exited {
        assert_eq!(exit.await, ExitReason::Killed);
    }
    assert!(chain.iter().all(|actor| actor.links() == 0));
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn monitors_and_links_belong_to_one_incarnation() {
    // K10, K16: what an earlier incarnation watched is not told to a later one.
    let scene = Scene::set().await;
    let log = Log::default();
    let watchers = Supervisor::one_for_one()
        .name("watchers")
        .child(ChildSpec::<Watcher>::actor("w", log.clone()).restart(Restart::Permanent))
        .start(&scene.system)
        .await
        .unwrap();
    let watcher = watchers.child::<Watcher>("w").await.unwrap();
    watcher.ask(|reply| Do::Monitor(scene.puppet.clone(), reply)).await.unwrap();
    watcher.ask(|reply| Do::Trap(true, reply)).await.unwrap();
    watcher.ask(|reply| Do::Link(scene.puppet.clone(), reply)).await.unwrap();
    let exited = watcher.exited();
    watcher.tell(Do::Exit(ExitReason::Normal)).await.unwrap();
    exited.await;
    while watcher.pid().generation == 1 || !watcher.is_alive() {
        tokio::task::yield_now().await;
    }
    assert_eq!(watcher.ask(Do::Counts).await.unwrap(), (0, 0));
    Puppet::kill(&scene.puppet).await;
    assert_eq!(watcher.ask(Do::Counts).await.unwrap(), (0, 0));
    assert!(log.entries().is_empty());
    // And what watched an earlier incarnation of somebody is over with that.
    let puppets = Supervisor::one_for_one().name("puppets").child(Puppet::spec("p", &log));
    let puppets = puppets.start(&scene.system).await.unwrap();
    let puppet = puppets.child::<Puppet>("p").await.unwrap();
    watcher.ask(|reply| Do::Monitor(puppet.clone(), reply)).await.unwrap();
    Puppet::kill(&puppet).await;
    while !puppet.is_alive() {
        tokio::task::yield_now().await;
    }
    watcher.ask(Do::Counts).await.unwrap();
    assert_eq!(log.count("p down: killed"), 1);
    assert_eq!(puppet.watchers(), 0);
    scene.strike().await;
}

#[tokio::test(start_paused = true)]
async fn monitors_and_links_made_and_removed_again_and_again_leave_nothing_behind() {
    // LEAK-4
    let scene = Scene::set().await;
    scene.trap(true).await;
    let before = scene.counts().await;
    for _ in 0..50 {
        let monitors = [scene.monitor().await, scene.monitor().await, scene.monitor().await];
        scene.link().await;
        // Somebody else comes, watches, and goes.
        let spec = ChildSpec::<Watcher>::actor("other", Log::default());
        let other = scene.system.start(spec).await.unwrap();
        other.ask(|reply| Do::Monitor(scene.puppet.clone(), reply)).await.unwrap();
        other.ask(|reply| Do::Link(scene.puppet.clone(), reply)).await.unwrap();
        assert_eq!(scene.counts().await, (3, 1, 4, 2));
        other.stop(ExitReason::Normal).await.unwrap();
        scene.puppet.ask(Pull::Starts).await.unwrap();
        for monitor in monitors {
            assert!(scene.watcher.ask(|reply| Do::Demonitor(monitor, reply)).await.unwrap());
        }
        let pid = scene.puppet.pid();
        assert!(scene.watcher.ask(|reply| Do::Unlink(pid, reply)).await.unwrap());
        assert_eq!(scene.counts().await, before);
    }
    assert!(scene.heard().await.is_empty());
    scene.strike().await;
}
