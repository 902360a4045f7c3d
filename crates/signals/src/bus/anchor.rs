//! What of a bus has to run: whoever asks for the bus by name asks this.

use std::sync::Arc;

use foundation::{Actor, Context, Flow, Init, Reply, Result};

use super::handle::Bus;

/// The part of a bus in the tree that says that it runs.
#[derive(Debug)]
pub(super) struct Anchor(Bus);

/// What is asked of it.
#[derive(Debug)]
pub(super) enum AnchorMessage {
    Bus(Reply<Bus>),
}

/// Under which name the anchor of a bus is registered.
pub(super) fn anchor_name(bus: &str) -> String {
    format!("{bus}.bus")
}

/// Under which name the supervisor of a bus's handlers is registered.
pub(super) fn handlers_name(bus: &str) -> String {
    format!("{bus}.handlers")
}

impl Actor for Anchor {
    type Args = Bus;
    type Message = AnchorMessage;

    async fn init(bus: Bus, cx: &mut Context<Self>) -> Result<Init<Self>> {
        if let Some(part) = &bus.shared.log {
            part.begin_at_end().await?;
        }
        let handlers = cx.registry().lookup(&handlers_name(bus.name()))?;
        let weak = Arc::downgrade(&bus.shared);
        let _lasts = cx.me().incarnation().at_end(move || {
            if let Some(shared) = weak.upgrade() {
                shared.run_in(None);
            }
        })?;
        bus.shared.run_in(Some(handlers));
        Ok(Init::Ready(Self(bus)))
    }

    async fn handle(&mut self, message: AnchorMessage, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            AnchorMessage::Bus(reply) => reply.send(self.0.clone()),
        }
        Ok(Flow::Continue)
    }
}
