//! What a recorder has written down, and what it was told to do.

use std::collections::VecDeque;

use foundation::Error;
use tokio::sync::watch;

use crate::bus::{Delivery, SubscriptionId};
use crate::signal::Signal;
use crate::sync::Mutex;

/// How a [`Recorder`](super::Recorder) answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Answer {
    /// It acknowledges each signal when it has written it down.
    #[default]
    Acknowledge,
    /// It never does: the delivery is dropped, and whoever waits learns of it at once.
    Drop,
    /// It keeps the delivery, so that whoever waits goes on waiting, until somebody
    /// [takes](super::Recorder::take_kept) and answers it.
    Keep,
}

/// What was written down of a delivery.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// The signal.
    pub signal: Signal,
    /// By which subscription it came.
    pub subscription: SubscriptionId,
    /// Whether somebody waited for the acknowledgement.
    pub was_awaited: bool,
}

/// What happens once, in place of the answer.
#[derive(Debug)]
pub(super) enum Surprise {
    Refuse(Error),
    Panic,
}

/// What every incarnation of the actor and the test share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// How many deliveries are written down. Changed with the state, and told behind its lock.
    count: watch::Sender<usize>,
    is_held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    recorded: Vec<Recorded>,
    answer: Answer,
    surprises: VecDeque<Surprise>,
    kept: Vec<Delivery>,
}

impl Shared {
    pub(super) fn read<T>(&self, read: impl FnOnce(&[Recorded]) -> T) -> T {
        read(&self.state.lock().recorded)
    }

    pub(super) fn clear(&self) {
        let cleared = std::mem::take(&mut self.state.lock().recorded);
        self.tell();
        drop(cleared);
    }

    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    pub(super) fn hold(&self, is_held: bool) {
        self.is_held.send_replace(is_held);
    }

    pub(super) fn is_held(&self) -> watch::Receiver<bool> {
        self.is_held.subscribe()
    }

    pub(super) fn answer(&self, answer: Answer) {
        self.state.lock().answer = answer;
    }

    pub(super) fn surprise(&self, surprise: Surprise) {
        self.state.lock().surprises.push_back(surprise);
    }

    pub(super) fn take_kept(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state.lock().kept)
    }

    /// Writes a delivery down, and gives what is to happen in place of an answer, if anything is.
    pub(super) fn record(&self, delivery: &Delivery) -> Option<Surprise> {
        let (signal, subscription) = (delivery.signal().clone(), delivery.subscription());
        let was_awaited = delivery.is_awaited();
        let mut state = self.state.lock();
        state.recorded.push(Recorded { signal, subscription, was_awaited });
        state.surprises.pop_front()
    }

    /// Answers what was written down as it was told to.
    pub(super) fn settle(&self, delivery: Delivery) {
        let mut state = self.state.lock();
        match state.answer {
            Answer::Acknowledge => {
                drop(state);
                delivery.acknowledge();
            }
            Answer::Drop => {
                drop(state);
                drop(delivery);
            }
            Answer::Keep => state.kept.push(delivery),
        }
    }

    /// Tells whoever waits how many there are. What they see then is answered already.
    pub(super) fn tell(&self) {
        // The count is taken within, so that of two who tell none tells an older one.
        self.count.send_modify(|count| *count = self.state.lock().recorded.len());
    }
}
