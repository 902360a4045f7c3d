//! The actor that writes down.

use std::fmt;
use std::sync::Arc;

use foundation::{Actor, Context, ExitReason, Flow, Init, Result};

use super::records::{Shared, Surprise};
use crate::bus::Delivery;

/// The actor of a [`Recorder`](super::Recorder).
#[derive(Clone)]
pub struct Recording {
    pub(super) shared: Arc<Shared>,
}

impl Actor for Recording {
    /// Each incarnation is as the first one: what it writes down is elsewhere.
    type Args = Self;
    type Message = Delivery;

    async fn init(recording: Self, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(recording))
    }

    async fn handle(&mut self, delivery: Delivery, cx: &mut Context<Self>) -> Result<Flow> {
        let mut is_held = self.shared.is_held();
        let stopping = cx.stopping();
        // Both only look, and lose nothing when they are given up.
        tokio::select! {
            biased;
            _ = is_held.wait_for(|is_held| !is_held) => {}
            () = stopping => return Ok(Flow::Stop(ExitReason::Shutdown)),
        }
        let surprise = self.shared.record(&delivery);
        if let Some(Surprise::Panic) = surprise {
            self.shared.tell();
            panic!("the test told the recorder to panic");
        }
        match surprise {
            Some(Surprise::Refuse(error)) => delivery.refuse(error),
            _ => self.shared.settle(delivery),
        }
        self.shared.tell();
        Ok(Flow::Continue)
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}
