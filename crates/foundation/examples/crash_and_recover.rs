//! A shop whose stock crashes: who is restarted with it, what comes back, and when it is too much.
//!
//! `cargo run -p foundation --example crash_and_recover`; what it prints is in
//! `crash_and_recover.out`, with which a test compares it.

use foundation::{
    Actor, ActorRef, ChildSpec, ChildState, Context, Flow, Init, Reply, Result, Supervisor, System,
};

enum Message {
    Add(u64),
    Total(Reply<u64>),
    Oops,
}

/// Counts, until it is told something that it cannot cope with.
struct Counter {
    total: u64,
}

impl Actor for Counter {
    type Args = u64;
    type Message = Message;

    async fn init(start: u64, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self { total: start }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Message::Add(n) => self.total += n,
            Message::Total(reply) => reply.send(self.total),
            Message::Oops => panic!("a bug"),
        }
        Ok(Flow::Continue)
    }
}

/// Crashes a child and waits until its supervisor has done what it does about that.
async fn crash(shop: &ActorRef<Supervisor>, child: &ActorRef<Counter>) -> Result<()> {
    let crashed = child.exited();
    child.tell(Message::Oops).await?;
    crashed.await;
    while let Ok(children) = shop.which_children().await {
        if children.iter().all(|child| child.state == ChildState::Running) && child.is_alive() {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Says how every child is: the how many-th incarnation it is, and its total.
async fn look(shop: &ActorRef<Supervisor>, say: &mut impl FnMut(String)) -> Result<()> {
    for child in shop.which_children().await?.iter().rev() {
        let counter = shop.child::<Counter>(&child.name).await?;
        let (generation, total) = (counter.pid().generation, counter.ask(Message::Total).await?);
        say(format!("  {}: incarnation {generation}, total {total}", child.name));
    }
    Ok(())
}

pub(crate) async fn story(say: &mut impl FnMut(String)) -> Result<()> {
    let system = System::builder().name("shop").start().await?;
    let shop = Supervisor::rest_for_one()
        .name("shop")
        .child(ChildSpec::<Counter>::actor("visitors", 0))
        .child(ChildSpec::<Counter>::actor("stock", 40))
        .child(ChildSpec::<Counter>::actor("orders", 0))
        .start(&system)
        .await?;
    let (visitors, stock) = (shop.child::<Counter>("visitors").await?, shop.child("stock").await?);
    visitors.tell(Message::Add(3)).await?;
    stock.tell(Message::Add(2)).await?;
    say("open, with three visitors and two deliveries".to_owned());
    look(&shop, say).await?;

    crash(&shop, &stock).await?;
    say("the stock crashed: it and the orders after it began anew, the visitors stayed".to_owned());
    look(&shop, say).await?;

    for _ in 0..2 {
        crash(&shop, &stock).await?;
    }
    say("it crashed twice more, and was restarted as often".to_owned());
    look(&shop, say).await?;

    let ended = shop.exited();
    crash(&shop, &stock).await?;
    say(format!(
        "a fourth time in five seconds is too much: the shop ended with {:?}",
        ended.await
    ));
    let late = visitors.tell(Message::Add(1)).await;
    say(format!(
        "a visitor who comes now is told {:?}",
        late.map_err(|error| error.code().to_owned())
    ));
    system.stop().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    story(&mut |line| println!("{line}")).await
}
