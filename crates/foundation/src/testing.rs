//! What unit tests of this crate share. Those outside of it use `testkit`, which is built against
//! another copy.

use crate::actor::{Actor, ActorRef, ChildSpec, Context, Flow, Init};
use crate::error::Result;
use crate::system::System;

/// An actor that does nothing.
pub(crate) struct Idle;

impl Actor for Idle {
    type Args = ();
    type Message = ();

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}

/// One that runs.
pub(crate) async fn idle(system: &System) -> ActorRef<Idle> {
    system.start(ChildSpec::<Idle>::actor("idle", ())).await.unwrap()
}
