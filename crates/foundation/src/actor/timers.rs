//! Timers that an actor owns: each puts a message before its own actor, and dies with it.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::timer::sleep_until;

/// Names a timer of one actor, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerKey(u64);

/// The timers of one incarnation.
pub(super) struct Timers<M> {
    order: BTreeSet<(Instant, u64)>,
    running: HashMap<u64, (Instant, Timer<M>)>,
    next_key: u64,
    /// One sleep, until the earliest of them.
    sleep: Pin<Box<Sleep>>,
}

enum Timer<M> {
    Once(M),
    Every(Duration, Box<dyn FnMut() -> M + Send>),
}

impl<M> Timers<M> {
    pub(super) fn new() -> Self {
        Self {
            order: BTreeSet::new(),
            running: HashMap::new(),
            next_key: 0,
            sleep: Box::pin(sleep_until(Instant::now())),
        }
    }

    pub(super) fn once(&mut self, after: Duration, message: M) -> TimerKey {
        self.insert(after, Timer::Once(message))
    }

    pub(super) fn every(
        &mut self,
        period: Duration,
        make: impl FnMut() -> M + Send + 'static,
    ) -> TimerKey {
        // A period of nothing would leave time for nothing else.
        let period = period.max(Duration::from_millis(1));
        self.insert(period, Timer::Every(period, Box::new(make)))
    }

    /// Whether the timer was there, and had not gone off.
    pub(super) fn cancel(&mut self, TimerKey(key): TimerKey) -> bool {
        let Some((at, timer)) = self.running.remove(&key) else { return false };
        self.order.remove(&(at, key));
        drop(timer);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// The message of a timer whose time has come, the earliest first.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<M> {
        let Some((at, key)) = self.order.first().copied() else { return Poll::Pending };
        if at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
        }
        // It may end early: a timer that is cancelled does not move it, because that would cost
        // more than to be woken once in vain.
        while self.sleep.as_mut().poll(cx).is_ready() {
            if self.sleep.deadline() >= at || Instant::now() >= at {
                match self.go_off(at, key) {
                    Some(message) => return Poll::Ready(message),
                    None => break,
                }
            }
            self.sleep.as_mut().reset(at);
        }
        Poll::Pending
    }

    /// The message of the first timer, which is put back if it is to go off again.
    fn go_off(&mut self, at: Instant, key: u64) -> Option<M> {
        self.order.pop_first();
        match self.running.remove(&key)? {
            (_, Timer::Once(message)) => Some(message),
            (_, Timer::Every(period, mut make)) => {
                let message = make();
                let at = next(at, period, Instant::now());
                self.order.insert((at, key));
                self.running.insert(key, (at, Timer::Every(period, make)));
                Some(message)
            }
        }
    }

    fn insert(&mut self, after: Duration, timer: Timer<M>) -> TimerKey {
        let key = self.next_key;
        self.next_key += 1;
        // A timer after the end of time never goes off, and can still be cancelled.
        let century = Duration::from_hours(100 * 365 * 24);
        let at = Instant::now() + after.min(century);
        self.order.insert((at, key));
        self.running.insert(key, (at, timer));
        TimerKey(key)
    }
}

/// The next time of a period that was due at `at`, on the same grid: without drift, and without
/// catching up on what was missed.
fn next(at: Instant, period: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(at);
    let missed = late.as_nanos() / period.as_nanos().max(1);
    let missed = u32::try_from(missed).unwrap_or(u32::MAX - 1);
    at + period * (missed + 1)
}

#[cfg(test)]
mod tests {
    //! The grid of a period.

    use std::time::Duration;

    use tokio::time::Instant;

    use super::next;

    #[test]
    fn a_period_keeps_its_grid_and_skips_what_it_missed() {
        let at = Instant::now();
        let period = Duration::from_secs(10);
        let table = [(0, 10), (9, 10), (10, 20), (11, 20), (35, 40), (100, 110)];
        for (late, expected) in table {
            let next = next(at, period, at + Duration::from_secs(late));
            assert_eq!(next - at, Duration::from_secs(expected), "{late} s late");
        }
    }
}
