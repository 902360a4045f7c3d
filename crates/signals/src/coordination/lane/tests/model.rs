//! Random use of a lane against a plain list of messages, where each of them is in one place.

use std::num::NonZeroU32;

use fastrand::Rng;
use testkit::for_each_seed;

use super::super::{Care, Circuit, GaveUp, GiveUp, Lane, Mode, Offered, Room, Verdict};
use super::RULES;

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nobody has begun it; until when it is kept, if nobody waits.
    Waits(Option<u64>),
    /// Whether somebody waits.
    Begun(bool),
    /// It was handled, or given to somebody who knows.
    Gone,
}

struct Model {
    lane: Lane<usize>,
    random: Rng,
    now: u64,
    /// All messages, in the order in which they were sent, with their numbers in the lane.
    messages: Vec<(Option<u64>, Place)>,
    /// How many assignments the receiver has, of the one who is there.
    assignments: usize,
    epoch: Option<u64>,
    /// What was begun since it became half-open, and is not settled.
    probes: Vec<u64>,
}

impl Place {
    const fn until(self) -> Option<u64> {
        if let Self::Waits(until) = self { until } else { None }
    }
}

impl Model {
    fn new(seed: u64) -> Self {
        let (lane, random) = (Lane::new(RULES), Rng::with_seed(seed));
        let (messages, probes) = (Vec::new(), Vec::new());
        Self { lane, random, now: 0, messages, assignments: 0, epoch: None, probes }
    }

    fn oldest(&self, of: impl Fn(Place) -> bool) -> Option<usize> {
        self.messages.iter().position(|(_, place)| of(*place))
    }

    fn some(&mut self, of: impl Fn(Place) -> bool) -> Option<usize> {
        let all = self.messages.iter().enumerate();
        let all: Vec<_> = all.filter(|(_, (_, place))| of(*place)).map(|(at, _)| at).collect();
        self.random.choice(all)
    }

    fn is_in_order(&self, number: Option<u64>) {
        let last = self.messages.iter().filter_map(|(number, _)| *number).max();
        assert!(number.is_none_or(|number| last.is_none_or(|last| number > last)));
    }

    /// The oldest one that is kept goes when there are too many.
    fn overflow(&mut self, overflowed: Option<usize>) {
        let kept = |place| matches!(place, Place::Waits(Some(_)));
        let many = self.messages.iter().filter(|(_, place)| kept(*place)).count();
        let expected = if many > RULES.buffer { self.oldest(kept) } else { None };
        assert_eq!(overflowed, expected);
        if let Some(at) = overflowed {
            self.messages[at].1 = Place::Gone;
        }
    }

    fn offer(&mut self) {
        let message = self.messages.len();
        let rooms = [Room::Taken, Room::Taken, Room::Taken, Room::Full, Room::Unasked];
        let (room, returns) = (rooms[self.random.usize(..5)], self.random.u8(..5) == 0);
        let mode = if returns { Mode::Return } else { Mode::Keep };
        let before = self.lane.circuit;
        match self.lane.offer(message, mode, room, self.now) {
            Offered::Waits { number, epoch } => {
                self.is_in_order(Some(number));
                assert_eq!(Some(epoch), self.epoch);
                assert_eq!(room, Room::Taken);
                let is_open = matches!(before, Circuit::Open { until } if self.now < until);
                assert!(!is_open && !matches!(before, Circuit::HalfOpen { .. }), "{before:?}");
                self.assignments += 1;
                self.messages.push((Some(number), Place::Waits(None)));
            }
            Offered::Kept { overflowed, .. } => {
                assert!(mode == Mode::Keep && self.epoch.is_some());
                self.messages.push((None, Place::Waits(Some(self.now + RULES.patience))));
                self.overflow(overflowed);
            }
            Offered::Returned { message: back, .. } => {
                assert!(mode == Mode::Return && back == message);
                self.messages.push((None, Place::Gone));
            }
            Offered::Nobody(back) => {
                assert!(self.epoch.is_none() && back == message);
                self.messages.push((None, Place::Gone));
            }
        }
    }

    /// The receiver begins an assignment, and gets what has waited longest or nothing.
    fn begin(&mut self) {
        let Some(epoch) = self.epoch.filter(|_| self.assignments > 0) else { return };
        self.assignments -= 1;
        let before = self.lane.circuit;
        let may_begin = match before {
            Circuit::Closed { .. } => true,
            Circuit::Open { until } => self.now >= until,
            Circuit::HalfOpen { .. } => self.probes.is_empty(),
        };
        let begun = self.lane.begin(epoch, self.now).map(|(number, message)| (number, *message));
        let oldest = self.oldest(|place| matches!(place, Place::Waits(_)));
        assert_eq!(begun.map(|(_, message)| message), oldest.filter(|_| may_begin), "{before:?}");
        let Some((number, at)) = begun else { return };
        let (known, place) = self.messages[at];
        assert!(known.is_none_or(|known| known == number));
        let Place::Waits(until) = place else { panic!("{place:?}") };
        self.messages[at] = (Some(number), Place::Begun(until.is_none()));
        if !matches!(before, Circuit::Closed { .. }) {
            self.probes.push(number);
        }
    }

    fn settle(&mut self) {
        let Some(at) = self.some(|place| matches!(place, Place::Begun(_))) else { return };
        let number = self.messages[at].0.unwrap();
        let verdicts = [Verdict::Works, Verdict::Works, Verdict::Fails, Verdict::Nothing];
        let verdict = verdicts[self.random.usize(..verdicts.len())];
        assert_eq!(self.lane.settle(number, verdict, self.now), Some(at));
        assert_eq!(self.lane.settle(number, verdict, self.now), None);
        self.messages[at].1 = Place::Gone;
        self.probes.retain(|probe| *probe != number);
    }

    fn give_up(&mut self) {
        let awaited = |place| matches!(place, Place::Waits(None) | Place::Begun(true));
        let Some(at) = self.some(awaited) else { return };
        let number = self.messages[at].0.unwrap();
        let why = [GiveUp::Late, GiveUp::Unwanted, GiveUp::NotOffered][self.random.usize(..3)];
        let mode = if self.random.bool() { Mode::Return } else { Mode::Keep };
        match (self.lane.give_up(number, why, mode, self.now), self.messages[at].1) {
            (GaveUp::InProgress, Place::Begun(_)) => {
                self.messages[at].1 = Place::Begun(why == GiveUp::NotOffered);
            }
            (GaveUp::Returned(back), Place::Waits(None)) => {
                assert!(back == at && mode == Mode::Return);
                self.messages[at].1 = Place::Gone;
            }
            (GaveUp::Kept { overflowed }, Place::Waits(None)) => {
                assert_eq!(mode, Mode::Keep);
                self.messages[at].1 = Place::Waits(Some(self.now + RULES.patience));
                self.overflow(overflowed);
            }
            other => panic!("{other:?}"),
        }
    }

    fn come_or_go(&mut self) {
        let Some(epoch) = self.epoch.take() else {
            self.epoch = self.lane.join(self.now);
            assert!(self.epoch.is_some() && self.lane.join(self.now).is_none());
            return;
        };
        let told = self.lane.leave(epoch);
        let awaited = self.messages.iter().enumerate();
        let awaited = awaited.filter(|(_, (_, place))| *place == Place::Waits(None));
        let expected: Vec<_> = awaited.map(|(at, _)| at).collect();
        assert_eq!(told, expected);
        for at in told {
            self.messages[at].1 = Place::Gone;
        }
        (self.assignments, self.probes) = (0, Vec::new());
    }

    fn drop_assignment(&mut self) {
        if let Some(epoch) = self.epoch.filter(|_| self.assignments > 0) {
            self.assignments -= 1;
            self.lane.drop_assignment(epoch, self.now);
        }
    }

    /// Cares once. Gives until when there is nothing to do, if there is anything then.
    fn care(&mut self, has_room: bool) -> Option<u64> {
        assert!(self.lane.needs_care() || self.lane.care(self.now) == Care::Nothing);
        match self.lane.care(self.now) {
            Care::Offer { epoch } if has_room => {
                assert_eq!(Some(epoch), self.epoch);
                self.assignments += 1;
                Some(self.now)
            }
            Care::Offer { epoch } => {
                self.lane.no_room(epoch, self.now);
                Some(self.now)
            }
            Care::Wait { until } => {
                assert!(until > self.now, "it would be waited for nothing");
                let over = self.messages.iter().filter_map(|(_, place)| place.until()).min();
                assert!(over.is_none_or(|over| until <= over), "{until} is after {over:?}");
                Some(until)
            }
            Care::Nothing => {
                let kept = self.oldest(|place| matches!(place, Place::Waits(Some(_))));
                assert_eq!(kept, None, "nobody sees to it that its time is over");
                None
            }
        }
    }

    /// What the lane says of itself is what the list says.
    fn compare(&mut self) {
        if !matches!(self.lane.circuit, Circuit::HalfOpen { .. }) {
            self.probes.clear();
        }
        let many = |place| self.messages.iter().filter(|(_, other)| *other == place).count();
        let looks = self.lane.looks();
        let kept = self.messages.iter().filter(|(_, place)| place.until().is_some()).count();
        assert_eq!((looks.kept, looks.waiting), (kept, many(Place::Waits(None))));
        assert_eq!(looks.in_progress, many(Place::Begun(true)) + many(Place::Begun(false)));
        assert_eq!(self.lane.assignments, self.assignments);
        assert!(looks.kept <= RULES.buffer);
        let is_empty = looks.kept + looks.waiting + looks.in_progress == 0;
        assert_eq!(self.lane.is_spent(), is_empty && self.epoch.is_none());
    }

    /// Takes out what is kept for too long, which is all that is over by then, in that order.
    fn expire(&mut self) {
        let places = self.messages.iter().enumerate();
        let over = places.filter_map(|(at, (_, place))| Some((place.until()?, at)));
        let mut over: Vec<_> = over.filter(|(until, _)| *until <= self.now).collect();
        over.sort_unstable();
        let over: Vec<_> = over.into_iter().map(|(_, at)| at).collect();
        assert_eq!(self.lane.expire(self.now), over);
        for at in over {
            self.messages[at].1 = Place::Gone;
        }
    }

    fn step(&mut self) {
        self.expire();
        match self.random.u8(..20) {
            0..6 => self.offer(),
            6..10 => self.begin(),
            10..13 => self.settle(),
            13..15 => self.give_up(),
            15 => self.drop_assignment(),
            16 => {
                let has_room = self.random.bool();
                self.care(has_room);
            }
            17 if self.random.u8(..4) == 0 => self.come_or_go(),
            _ => self.now += self.random.u64(..40),
        }
        self.compare();
    }

    /// All that was begun was handled.
    fn settle_all(&mut self) {
        let begun = self.messages.iter_mut().enumerate();
        for (at, (number, place)) in
            begun.filter(|(_, (_, place))| matches!(place, Place::Begun(_)))
        {
            assert_eq!(self.lane.settle(number.unwrap(), Verdict::Works, self.now), Some(at));
            *place = Place::Gone;
        }
        self.probes.clear();
    }

    /// With a receiver that works everything comes to an end, and soon.
    fn finish(&mut self) {
        if self.epoch.is_none() {
            self.come_or_go();
        }
        for _ in 0..1_000 {
            self.expire();
            loop {
                self.settle_all();
                if self.assignments == 0 {
                    break;
                }
                self.begin();
            }
            self.compare();
            match self.care(true) {
                Some(until) => self.now = until,
                None => break,
            }
        }
        assert!(self.messages.iter().all(|(_, place)| *place == Place::Gone), "{:?}", self.lane);
        assert!(!self.lane.needs_care());
    }
}

#[test]
fn each_message_is_in_one_place_and_begun_once_in_order_and_comes_to_an_end() {
    for_each_seed(NonZeroU32::new(300).unwrap(), |seed| {
        let mut model = Model::new(seed);
        for _ in 0..model.random.u32(1..300) {
            model.step();
        }
        model.finish();
    });
}
