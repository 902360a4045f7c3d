//! Who gets a permit, in which order, and that what was taken is given back, however it ends.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::*;

type Taking<'a> = Pin<Box<dyn Future<Output = Result<Permit>> + 'a>>;

/// The gates of a journal and of two writers.
struct Fixture {
    journal: Arc<Gates>,
    one: Arc<Gates>,
    two: Arc<Gates>,
}

impl Fixture {
    fn new(pressure: &Pressure) -> Self {
        let journal = Gates::of_journal(pressure);
        Self { journal, one: Gates::of_writer(pressure), two: Gates::of_writer(pressure) }
    }

    fn take<'a>(&'a self, writer: &'a Arc<Gates>, share: Share, bytes: usize) -> Taking<'a> {
        Box::pin(Permit::take(writer, &self.journal, share, bytes))
    }

    /// A permit of the first writer that has not to be waited for.
    fn now(&self, bytes: usize) -> Permit {
        ready(&mut self.take(&self.one, Share::New, bytes)).unwrap().unwrap()
    }

    /// What is left: appends and bytes of the journal, and of the writers.
    fn left(&self, share: Share) -> [(usize, usize); 3] {
        [&self.journal, &self.one, &self.two].map(|gates| {
            let pair = gates.pair(share);
            let left = |gate: &Gate| gate.permits.available_permits();
            (left(&pair.appends), left(&pair.bytes))
        })
    }
}

fn pressure(appends: u32, bytes: u32) -> Pressure {
    Pressure { appends, bytes, writer_appends: appends, writer_bytes: bytes }
}

/// What a future gives when it is asked once.
fn ready<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn what_was_taken_is_given_back() {
    let fixture = Fixture::new(&pressure(3, 100));
    let first = fixture.now(30);
    let second = fixture.now(0);
    assert_eq!((first.bytes(), second.bytes()), (30, 0));
    assert_eq!(fixture.left(Share::New), [(1, 70), (1, 70), (3, 100)]);
    drop(first);
    drop(second);
    assert_eq!(fixture.left(Share::New), [(3, 100); 3]);
}

#[test]
fn who_waits_first_gets_the_first() {
    let fixture = Fixture::new(&pressure(8, 100));
    let held = fixture.now(90);
    let mut large = fixture.take(&fixture.one, Share::New, 60);
    let mut small = fixture.take(&fixture.one, Share::New, 10);
    assert!(ready(&mut large).is_none());
    // There is room for the small one, but the large one was first.
    assert!(ready(&mut small).is_none());
    drop(held);
    let large = ready(&mut large).unwrap().unwrap();
    let small = ready(&mut small).unwrap().unwrap();
    assert_eq!((large.bytes(), small.bytes()), (60, 10));
}

#[test]
fn a_writer_that_waits_for_itself_holds_nothing_of_the_journal() {
    let pressure = Pressure { writer_appends: 1, ..pressure(2, 100) };
    let fixture = Fixture::new(&pressure);
    let held = fixture.now(10);
    let mut waits = fixture.take(&fixture.one, Share::New, 10);
    assert!(ready(&mut waits).is_none());
    assert_eq!(fixture.left(Share::New)[0], (1, 90));
    let other = ready(&mut fixture.take(&fixture.two, Share::New, 90)).unwrap().unwrap();
    drop((held, other));
    assert!(ready(&mut waits).is_some());
}

#[test]
fn completions_have_a_share_of_their_own() {
    let fixture = Fixture::new(&pressure(1, 100));
    let new = fixture.now(100);
    assert!(ready(&mut fixture.take(&fixture.one, Share::New, 1)).is_none());
    let mut completion = fixture.take(&fixture.one, Share::Reserved, 100);
    let completion = ready(&mut completion).unwrap().unwrap();
    assert!(ready(&mut fixture.take(&fixture.two, Share::Reserved, 1)).is_none());
    assert_eq!(fixture.left(Share::Reserved), [(0, 0), (0, 0), (1, 100)]);
    drop((new, completion));
    assert_eq!(fixture.left(Share::New), [(1, 100); 3]);
    assert_eq!(fixture.left(Share::Reserved), [(1, 100); 3]);
}

#[test]
fn an_append_that_turns_out_smaller_gives_the_rest_back_at_once() {
    let fixture = Fixture::new(&pressure(2, 100));
    let mut permit = fixture.now(100);
    permit.settle(40);
    assert_eq!((permit.bytes(), fixture.left(Share::New)[0]), (40, (1, 60)));
    drop(permit);
    assert_eq!(fixture.left(Share::New), [(2, 100); 3]);
}

#[test]
fn an_append_that_turns_out_larger_takes_more_if_there_is_more() {
    let fixture = Fixture::new(&pressure(2, 100));
    let mut permit = fixture.now(10);
    permit.settle(90);
    assert_eq!((permit.bytes(), fixture.left(Share::New)[0]), (90, (1, 10)));
    drop(permit);
    assert_eq!(fixture.left(Share::New), [(2, 100); 3]);
}

#[test]
fn what_was_overdrawn_is_missing_until_it_is_paid() {
    let fixture = Fixture::new(&pressure(4, 100));
    let mut first = fixture.now(60);
    let second = fixture.now(20);
    // 40 more, of which only 20 are there: all of it is a debt.
    first.settle(100);
    assert_eq!(fixture.left(Share::New)[0], (2, 20));
    assert_eq!(*fixture.journal.new.bytes.debt(), 40);
    // The first that comes back pays, and the rest of the debt stays.
    drop(second);
    assert_eq!(fixture.left(Share::New)[0], (3, 20));
    assert_eq!(*fixture.journal.new.bytes.debt(), 20);
    drop(first);
    assert_eq!(fixture.left(Share::New), [(4, 100); 3]);
    assert_eq!(*fixture.journal.new.bytes.debt(), 0);
}

#[test]
fn an_overdraft_lets_nobody_pass_who_waits() {
    let fixture = Fixture::new(&pressure(4, 100));
    let mut permit = fixture.now(50);
    let mut waits = fixture.take(&fixture.one, Share::New, 60);
    assert!(ready(&mut waits).is_none());
    permit.settle(200);
    permit.settle(100);
    assert!(ready(&mut waits).is_none());
    drop(permit);
    drop(ready(&mut waits).unwrap().unwrap());
    assert_eq!(fixture.left(Share::New), [(4, 100); 3]);
}

#[test]
fn given_up_half_way_what_was_taken_is_given_back() {
    // Each in turn is what is missing: an append or bytes, of the writer or of the journal.
    let full = Pressure { appends: 8, bytes: 800, writer_appends: 8, writer_bytes: 800 };
    let scarce = [
        Pressure { writer_appends: 1, ..full },
        Pressure { writer_bytes: 100, ..full },
        Pressure { appends: 1, ..full },
        Pressure { bytes: 100, ..full },
    ];
    for pressure in scarce {
        let fixture = Fixture::new(&pressure);
        let before = fixture.left(Share::New);
        let held = fixture.now(60);
        let with_held = fixture.left(Share::New);
        let mut waits = fixture.take(&fixture.one, Share::New, 60);
        assert!(ready(&mut waits).is_none());
        drop(waits);
        assert_eq!(fixture.left(Share::New), with_held, "{pressure:?}");
        drop(held);
        // Also when it is given up just after what it waited for has come.
        let held = fixture.now(60);
        let mut waits = fixture.take(&fixture.one, Share::New, 60);
        assert!(ready(&mut waits).is_none());
        drop(held);
        drop(waits);
        assert_eq!(fixture.left(Share::New), before, "{pressure:?}");
    }
}

#[test]
fn more_than_there_ever_is_is_refused_and_not_waited_for() {
    let pressure = Pressure { writer_bytes: 50, ..pressure(4, 100) };
    let fixture = Fixture::new(&pressure);
    let before = fixture.left(Share::New);
    for bytes in [51, usize::MAX] {
        let error = ready(&mut fixture.take(&fixture.one, Share::New, bytes)).unwrap().unwrap_err();
        assert_eq!(error.code(), codes::TOO_LARGE.name);
    }
    assert_eq!(fixture.left(Share::New), before);
    drop(fixture.now(50));
}

#[test]
fn closed_nobody_gets_one_and_who_waits_is_told() {
    let fixture = Fixture::new(&pressure(1, 100));
    let held = fixture.now(10);
    let mut waits = fixture.take(&fixture.one, Share::New, 10);
    assert!(ready(&mut waits).is_none());
    fixture.journal.close();
    // It waits for its writer, which is closed with it.
    assert!(ready(&mut waits).is_none());
    fixture.one.close();
    let closed = |result: Option<Result<Permit>>| {
        assert_eq!(result.unwrap().unwrap_err().code(), codes::STORE_CLOSED.name);
    };
    closed(ready(&mut waits));
    closed(ready(&mut fixture.take(&fixture.one, Share::New, 10)));
    closed(ready(&mut fixture.take(&fixture.two, Share::Reserved, 10)));
    // What the other writer took before the journal refused is given back.
    assert_eq!(fixture.left(Share::Reserved)[2], (1, 100));
    drop(held);
    assert_eq!(fixture.left(Share::New), [(1, 100); 3]);
}

#[test]
fn pressure_that_lets_the_largest_append_not_through_is_refused() {
    assert!(Pressure::default().check(8 << 20).is_ok());
    let cases = [
        (Pressure { appends: 0, ..Pressure::default() }, "pressure.appends"),
        (Pressure { bytes: 999, ..Pressure::default() }, "pressure.bytes"),
        (Pressure { writer_appends: 0, ..Pressure::default() }, "pressure.writer_appends"),
        (Pressure { writer_bytes: 999, ..Pressure::default() }, "pressure.writer_bytes"),
    ];
    for (pressure, field) in cases {
        let error = pressure.check(1000).unwrap_err();
        assert_eq!(error.code(), foundation::codes::INVALID_OPTIONS.name);
        assert_eq!(error.details()["field"].as_str(), Some(field));
    }
}
