//! What of coordination has to run: whoever asks for it by name asks this.

use std::sync::Arc;

use foundation::{Actor, Context, Flow, Init, Reply, Result};

use super::handle::Coordination;

/// The part of coordination in the tree that says that it runs.
#[derive(Debug)]
pub(super) struct Anchor(Coordination);

/// What is asked of it.
#[derive(Debug)]
pub(super) enum AnchorMessage {
    Coordination(Reply<Coordination>),
}

/// Under which name the anchor of a coordination is registered.
pub(super) fn anchor_name(coordination: &str) -> String {
    format!("{coordination}.anchor")
}

/// Under which name the supervisor of its tasks is registered.
pub(super) fn tasks_name(coordination: &str) -> String {
    format!("{coordination}.tasks")
}

impl Actor for Anchor {
    type Args = Coordination;
    type Message = AnchorMessage;

    async fn init(coordination: Coordination, cx: &mut Context<Self>) -> Result<Init<Self>> {
        let tasks = cx.registry().lookup(&tasks_name(coordination.name()))?;
        let weak = Arc::downgrade(&coordination.shared);
        let _lasts = cx.me().incarnation().at_end(move || {
            if let Some(shared) = weak.upgrade() {
                shared.run_in(None);
            }
        })?;
        coordination.shared.run_in(Some(tasks));
        Ok(Init::Ready(Self(coordination)))
    }

    async fn handle(&mut self, message: AnchorMessage, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            AnchorMessage::Coordination(reply) => reply.send(self.0.clone()),
        }
        Ok(Flow::Continue)
    }
}
