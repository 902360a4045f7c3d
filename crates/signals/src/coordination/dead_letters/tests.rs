//! Dead letters against a plain list.

use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use foundation::Error;
use jiff::{SignedDuration, Timestamp};
use testkit::for_each_seed;

use super::{DeadLetter, DeadLetterId, Letters, Limits, Past, Purge, Remains};
use crate::signal::Signal;

const LIMITS: Limits = Limits { capacity: 4, max_attempts: 2, expiry: Duration::from_secs(10) };

fn remains(past: Option<Past>, attempts: u32) -> Remains {
    let signal = Signal::new("one", "/test").id("1").build().unwrap();
    Remains { to: "b".into(), from: "a".into(), signal, attempts, past }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// What a dead letter is in the list.
#[derive(Debug, Clone, Copy)]
struct Listed {
    id: DeadLetterId,
    since: i64,
    attempts: u32,
    may_be_handled: bool,
}

struct Model {
    letters: Letters,
    /// By id.
    list: Vec<Listed>,
    last: u64,
    dropped: u64,
}

impl Model {
    fn put(&mut self, listed: Listed, dropped: Option<DeadLetterId>) {
        self.list.retain(|other| other.id != listed.id);
        self.list.push(listed);
        self.list.sort_by_key(|listed| listed.id);
        let expected = (self.list.len() > LIMITS.capacity).then(|| self.list.remove(0).id);
        assert_eq!(dropped, expected);
        self.dropped += u64::from(dropped.is_some());
    }

    fn bury(&mut self, again: Option<Listed>, may_be_handled: bool, now: i64) {
        let listed = again.unwrap_or(Listed {
            id: DeadLetterId(self.last + 1),
            since: now,
            attempts: 0,
            may_be_handled,
        });
        let Listed { id, since, attempts, .. } = listed;
        let past = again.map(|it| Past { id, since: at(since), may_be_handled: it.may_be_handled });
        let remains = remains(past, attempts);
        let error = Error::business("not_mine");
        let (buried, dropped) = self.letters.bury(remains, error, may_be_handled, at(now));
        self.last += u64::from(again.is_none());
        assert_eq!(buried, id);
        let may_be_handled = may_be_handled || listed.may_be_handled;
        self.put(Listed { may_be_handled, ..listed }, dropped.map(|letter| letter.id));
    }

    fn step(&mut self, random: &mut Rng, now: i64) {
        let id = DeadLetterId(random.u64(..=self.last + 1));
        let known = self.list.iter().find(|listed| listed.id == id).copied();
        match random.u8(..10) {
            0..4 => self.bury(None, random.bool(), now),
            4..8 => match (self.letters.take(id), known) {
                (Ok(letter), Some(known)) => {
                    assert!(known.attempts < LIMITS.max_attempts);
                    assert_eq!((letter.id, letter.attempts), (id, known.attempts));
                    // Whether it was offered, and so an attempt, is known when it was tried.
                    let attempts = known.attempts + u32::from(random.bool());
                    let listed = Listed { attempts, ..known };
                    self.list.retain(|other| other.id != id);
                    match random.u8(..3) {
                        0 => {}
                        1 => self.bury(Some(listed), random.bool(), now),
                        _ => {
                            let letter = DeadLetter { attempts, ..letter };
                            let dropped = self.letters.put_back(letter);
                            self.put(listed, dropped.map(|letter| letter.id));
                        }
                    }
                }
                (Err(error), Some(known)) => {
                    assert_eq!(error.code(), "attempts_used_up");
                    assert_eq!(known.attempts, LIMITS.max_attempts);
                }
                (taken, None) => assert_eq!(taken.unwrap_err().code(), "no_such_dead_letter"),
            },
            8 => {
                let expired = self.letters.purge(Purge::Expired, at(now));
                let before = self.list.len();
                let is_used_up = |listed: &Listed| listed.attempts == LIMITS.max_attempts;
                self.list.retain(|listed| !is_used_up(listed) && now - listed.since <= 10);
                assert_eq!(expired.len(), before - self.list.len());
            }
            _ if random.u8(..4) == 0 => {
                assert_eq!(self.letters.purge(Purge::All, at(now)).len(), self.list.len());
                self.list.clear();
            }
            _ => {}
        }
    }

    fn compare(&self, limit: usize) {
        let ids =
            |list: &mut dyn Iterator<Item = &Listed>| list.map(|it| it.id).collect::<Vec<_>>();
        let listed: Vec<_> = self.letters.list(limit).iter().map(|letter| letter.id).collect();
        assert_eq!(listed, ids(&mut self.list.iter().take(limit)));
        let may_be = |it: &&Listed| !it.may_be_handled && it.attempts < LIMITS.max_attempts;
        assert_eq!(self.letters.to_retry(), ids(&mut self.list.iter().filter(may_be)));
        for it in &self.list {
            let letter = self.letters.get(it.id).unwrap();
            assert_eq!((letter.since, letter.attempts), (at(it.since), it.attempts));
            assert_eq!(letter.may_be_handled, it.may_be_handled);
        }
        assert_eq!((self.letters.len(), self.letters.dropped()), (self.list.len(), self.dropped));
    }
}

#[test]
fn they_are_as_if_in_a_list() {
    for_each_seed(NonZeroU32::new(100).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let letters = Letters::new(LIMITS);
        let mut model = Model { letters, list: Vec::new(), last: 0, dropped: 0 };
        let mut now = 0;
        for _ in 0..200 {
            now += random.i64(0..4);
            model.step(&mut random, now);
            model.compare(random.usize(..6));
        }
    });
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_expire() {
    let mut letters = Letters::new(LIMITS);
    letters.bury(remains(None, 0), Error::business("not_mine"), false, at(1_000));
    assert!(letters.purge(Purge::Expired, at(0)).is_empty());
    assert_eq!(letters.len(), 1);
}
