//! A window that slides over all admissions. Pure: it is told the time, in nanoseconds since some
//! moment, never going back.

use std::collections::VecDeque;

/// For how many moments a window keeps its memory while it is empty.
const FEW: usize = 16;

/// What was admitted in the last window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// When how much was admitted, the oldest first.
    admitted: VecDeque<(u64, u32)>,
    /// The sum of it.
    used: u32,
}

impl Window {
    /// Admits `cost` if there is room for it; else says after how many nanoseconds there is, which
    /// is none when there never is.
    pub(super) fn admit(
        &mut self,
        cost: u32,
        (limit, window): (u32, u64),
        now: u64,
    ) -> Result<(), Option<u64>> {
        self.slide(window, now);
        if cost <= limit - self.used {
            self.used += cost;
            match self.admitted.back_mut() {
                Some((at, admitted)) if *at == now => *admitted += cost,
                _ => self.admitted.push_back((now, cost)),
            }
            return Ok(());
        }
        Err(self.wait(cost, (limit, window), now))
    }

    /// How much room there is.
    pub(super) fn remaining(&mut self, (limit, window): (u32, u64), now: u64) -> u32 {
        self.slide(window, now);
        limit - self.used
    }

    /// After how many nanoseconds there is room for `cost`; none when there never is.
    pub(super) fn wait(&self, cost: u32, (limit, window): (u32, u64), now: u64) -> Option<u64> {
        let mut room = limit - self.used;
        if cost <= room {
            return Some(0);
        }
        let enough = self.admitted.iter().find(|(_, admitted)| {
            room += admitted;
            room >= cost
        });
        enough.map(|(at, _)| at + window - now)
    }

    /// Whether it is as a new one.
    pub(super) fn is_new(&mut self, window: u64, now: u64) -> bool {
        self.slide(window, now);
        self.admitted.is_empty()
    }

    /// What was admitted a window ago counts no more.
    fn slide(&mut self, window: u64, now: u64) {
        while let Some((at, admitted)) = self.admitted.front() {
            if at.saturating_add(window) > now {
                break;
            }
            self.used -= admitted;
            self.admitted.pop_front();
        }
        // A key that was busy once is not to take the memory of that for ever.
        if self.admitted.is_empty() {
            self.admitted.shrink_to(FEW);
        }
    }
}
