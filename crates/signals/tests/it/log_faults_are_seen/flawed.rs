//! A log that breaks one promise.

use std::sync::Mutex;

use foundation::{Result, System};
use jiff::Timestamp;
use signals::{
    Data, LogBounds, LogEntry, LogPage, LogPosition, MemoryLog, PartChange, Retained, Retention,
    Signal, SignalLog, gap, gap_end,
};
use tokio::sync::watch;
use tokio::task::yield_now;

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    AppendsOneByOne,
    AppendsBackwards,
    AppendsNoMoreThanAThousand,
    AppendsNothingAsSomething,
    AppendsNothingTwice,
    TellsTheTailBefore,
    TellsTheTailLater,
    KeepsTheTailOpen,
    TellsOldTails,
    ReadsFromThePosition,
    ReadsOneMore,
    ReadsToTheEnd,
    ReadsToTheEndWithNone,
    ReadsBackFromBehindTheEnd,
    ForgetsWhatNullIs,
    HasTheTimesOfSignals,
    FindsTimesLate,
    FindsTimesEarly,
    FindsTimesThatAreDropped,
    IsSilentOfGaps,
    HasGapsAtTheEdge,
    EndsGapsTooEarly,
    EndsGapsTooLate,
    DropsOneMore,
    DropsNothing,
    DropsByAgeAlone,
    DropsWithoutLimits,
    CountsWhatIsLeftWrongly,
    KeepsTheFirstChange,
    KeepsWhatIsGone,
    StoresOneByOne,
    StoresWhatIsRefused,
    StoresLate,
    ListsOwnersBackwards,
    ListsPartsBackwards,
    ConfusesOwners,
    TakesAnyKey,
    LoadsNoParts,
    ListsFromTheFirst,
    ListsWithoutLimit,
}

use Flaw as F;

/// Each with a case that has to see it.
pub(super) const FLAWS: &[(Flaw, &str)] = &[
    (F::AppendsOneByOne, "many_appends_at_a_time_are_all_there"),
    (F::AppendsOneByOne, "an_append_that_was_given_up_is_there_wholly_or_not_at_all"),
    (F::AppendsBackwards, "an_append_is_next_to_each_other_and_in_order"),
    (F::AppendsNoMoreThanAThousand, "a_large_append_is_whole"),
    (F::AppendsNothingAsSomething, "an_append_of_nothing_does_nothing"),
    (F::AppendsNothingTwice, "a_signal_that_is_appended_twice_is_there_twice"),
    (F::TellsTheTailBefore, "the_tail_is_no_further_than_can_be_read"),
    (F::TellsTheTailLater, "the_tail_is_there_when_an_append_returns"),
    (F::KeepsTheTailOpen, "a_tail_is_closed_with_its_log"),
    (F::TellsOldTails, "a_new_tail_says_how_far_it_is"),
    (F::ReadsFromThePosition, "a_reader_begins_behind_its_position"),
    (F::ReadsOneMore, "pages_of_any_size_give_the_same"),
    (F::ReadsToTheEnd, "pages_of_any_size_give_the_same"),
    (F::ReadsToTheEndWithNone, "a_page_of_none_says_nothing"),
    (F::ReadsBackFromBehindTheEnd, "a_reader_at_the_end_or_behind_it_finds_nothing"),
    (F::ForgetsWhatNullIs, "signals_come_back_as_they_were"),
    (F::HasTheTimesOfSignals, "entries_have_the_time_of_their_append"),
    (F::HasTheTimesOfSignals, "times_never_go_back"),
    (F::FindsTimesLate, "a_time_is_found_as_a_position"),
    (F::FindsTimesEarly, "a_time_is_found_as_a_position"),
    (F::FindsTimesThatAreDropped, "a_time_is_found_when_signals_were_dropped"),
    (F::IsSilentOfGaps, "a_reader_behind_what_is_kept_is_told"),
    (F::IsSilentOfGaps, "a_reader_that_is_overtaken_is_told"),
    (F::HasGapsAtTheEdge, "who_has_read_what_was_dropped_has_no_gap"),
    (F::EndsGapsTooEarly, "a_reader_behind_what_is_kept_is_told"),
    (F::EndsGapsTooLate, "a_reader_behind_what_is_kept_is_told"),
    (F::DropsOneMore, "signals_are_kept_up_to_their_count"),
    (F::DropsNothing, "everything_may_be_dropped"),
    (F::DropsByAgeAlone, "signals_are_kept_up_to_their_bytes"),
    (F::DropsWithoutLimits, "a_retention_of_everything_drops_nothing"),
    (F::CountsWhatIsLeftWrongly, "signals_are_kept_for_their_time"),
    (F::KeepsTheFirstChange, "the_last_change_of_a_part_counts"),
    (F::KeepsWhatIsGone, "a_part_that_is_gone_is_gone"),
    (F::StoresOneByOne, "parts_are_seen_as_a_whole"),
    (F::StoresOneByOne, "parts_whose_storing_was_given_up_are_whole"),
    (F::StoresWhatIsRefused, "what_cannot_be_is_refused_as_a_whole"),
    (F::StoresLate, "what_is_stored_behind_a_change_that_was_given_up_counts"),
    (F::ListsOwnersBackwards, "owners_are_listed_by_name"),
    (F::ListsPartsBackwards, "parts_are_read_as_they_were_stored"),
    (F::ConfusesOwners, "owners_do_not_see_each_other"),
    (F::TakesAnyKey, "what_cannot_be_is_refused_as_a_whole"),
    (F::LoadsNoParts, "parts_are_read_as_they_were_stored"),
    (F::ListsFromTheFirst, "parts_are_listed_behind_a_key_up_to_a_limit"),
    (F::ListsWithoutLimit, "parts_are_listed_behind_a_key_up_to_a_limit"),
];

#[derive(Debug)]
pub(super) struct Flawed {
    log: MemoryLog,
    flaw: Flaw,
    tail: watch::Sender<LogPosition>,
    late: Mutex<Vec<Change>>,
}

/// Changes of the parts of an owner.
type Change = (String, Vec<PartChange>);

/// A change that is made later when it is given up.
struct Late<'a>(&'a Mutex<Vec<Change>>, Option<Change>);

impl Drop for Late<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().extend(self.1.take());
    }
}

impl Flawed {
    pub(super) fn new(system: &System, flaw: Flaw) -> Self {
        let tail = watch::Sender::new(LogPosition::START);
        Self { log: MemoryLog::new(system), flaw, tail, late: Mutex::default() }
    }

    /// Under which name the parts of an owner are.
    fn owner(&self, owner: &str) -> String {
        if self.flaw == F::ConfusesOwners { owner.to_lowercase() } else { owner.into() }
    }

    async fn append_with_flaw(&self, mut signals: Vec<Signal>) -> Result<Vec<LogPosition>> {
        match self.flaw {
            F::AppendsOneByOne => {
                let mut positions = Vec::new();
                for one in signals {
                    positions.extend(self.log.append(vec![one]).await?);
                    yield_now().await;
                }
                return Ok(positions);
            }
            F::AppendsBackwards => signals.reverse(),
            F::AppendsNoMoreThanAThousand if signals.len() > 1000 => {
                let lost = signals.split_off(1000).len() as u64;
                let mut positions = self.log.append(signals).await?;
                let end = positions[999].get();
                positions.extend((end + 1..=end + lost).map(LogPosition::new));
                return Ok(positions);
            }
            F::AppendsNothingAsSomething if signals.is_empty() => {
                let nothing = Signal::new("nothing", "/kit").id("1").build()?;
                self.log.append(vec![nothing]).await?;
            }
            F::AppendsNothingTwice => {
                let count = signals.len();
                signals.dedup();
                let mut positions = self.log.append(signals).await?;
                positions.resize(count, LogPosition::START);
                return Ok(positions);
            }
            F::TellsTheTailBefore => {
                let end = self.log.bounds().await?.end.get() + signals.len() as u64;
                self.tail.send_replace(LogPosition::new(end));
                yield_now().await;
            }
            F::ForgetsWhatNullIs => {
                let null = Data::Json(serde_json::Value::Null);
                for signal in signals.iter_mut().filter(|signal| *signal.data() == null) {
                    *signal = signal.to_draft().data(Data::None).build()?;
                }
            }
            _ => {}
        }
        self.log.append(signals).await
    }

    fn with_flaw(&self, mut page: LogPage, limit: usize) -> LogPage {
        match self.flaw {
            F::ReadsToTheEnd if limit > 0 => {
                page.read_to = page.read_to.max(*self.log.tail().borrow());
            }
            F::ReadsToTheEndWithNone if limit == 0 => page.read_to = *self.log.tail().borrow(),
            F::ReadsBackFromBehindTheEnd => {
                page.read_to = page.read_to.min(*self.log.tail().borrow());
            }
            F::HasTheTimesOfSignals => {
                let timed = page.entries.into_iter().map(|entry| {
                    let at = entry.signal.time().unwrap_or(entry.at);
                    LogEntry::new(entry.position, at, entry.signal)
                });
                page.entries = timed.collect();
            }
            _ => {}
        }
        page
    }
}

#[async_trait::async_trait]
impl SignalLog for Flawed {
    async fn append(&self, signals: Vec<Signal>) -> Result<Vec<LogPosition>> {
        let positions = self.append_with_flaw(signals).await?;
        if self.flaw != F::TellsTheTailLater || positions.len() > 2 {
            self.tail.send_replace(self.log.bounds().await?.end);
        }
        Ok(positions)
    }

    async fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage> {
        let (from, most) = match self.flaw {
            F::ReadsFromThePosition => (LogPosition::new(after.get().saturating_sub(1)), limit),
            F::ReadsOneMore => (after, limit.saturating_add(1)),
            _ => (after, limit),
        };
        let kept_after = self.log.bounds().await?.kept_after;
        let read = self.log.read(from, most).await;
        match (self.flaw, read) {
            (F::IsSilentOfGaps, Err(_)) => self.log.read(kept_after, limit).await,
            (F::HasGapsAtTheEdge, Ok(_)) if after == kept_after && after > LogPosition::START => {
                Err(gap(after, LogPosition::new(after.get() + 1)))
            }
            (F::EndsGapsTooEarly, Err(error)) => {
                let to = gap_end(&error).unwrap_or_default().get();
                Err(gap(after, LogPosition::new(to - 1)))
            }
            (F::EndsGapsTooLate, Err(error)) => {
                let to = gap_end(&error).unwrap_or_default().get();
                Err(gap(after, LogPosition::new(to + 1)))
            }
            (_, Ok(page)) => Ok(self.with_flaw(page, limit)),
            (_, Err(error)) => Err(error),
        }
    }

    fn tail(&self) -> watch::Receiver<LogPosition> {
        match self.flaw {
            F::TellsTheTailBefore | F::TellsTheTailLater => self.tail.subscribe(),
            F::TellsOldTails => watch::Sender::new(LogPosition::START).subscribe(),
            F::KeepsTheTailOpen => {
                std::mem::forget(self.tail.clone());
                self.tail.subscribe()
            }
            _ => self.log.tail(),
        }
    }

    async fn bounds(&self) -> Result<LogBounds> {
        self.log.bounds().await
    }

    async fn position_at(&self, time: Timestamp) -> Result<LogPosition> {
        let position = self.log.position_at(time).await?;
        Ok(match self.flaw {
            F::FindsTimesLate => LogPosition::new(position.get() + 1),
            F::FindsTimesEarly => LogPosition::new(position.get().saturating_sub(1)),
            F::FindsTimesThatAreDropped if position == self.log.bounds().await?.kept_after => {
                LogPosition::START
            }
            _ => position,
        })
    }

    async fn retain(&self, mut retention: Retention) -> Result<Retained> {
        match self.flaw {
            F::DropsOneMore => {
                retention.count = retention.count.map(|count| count.saturating_sub(1));
            }
            F::DropsNothing => retention = Retention::forever(),
            F::DropsByAgeAlone => retention.bytes = None,
            F::DropsWithoutLimits if retention == Retention::forever() => {
                retention.count = Some(3);
            }
            _ => {}
        }
        let mut retained = self.log.retain(retention).await?;
        if self.flaw == F::CountsWhatIsLeftWrongly {
            retained = Retained::new(retained.left, retained.dropped);
        }
        Ok(retained)
    }

    async fn load_part(&self, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
        if self.flaw == F::LoadsNoParts {
            return Ok(None);
        }
        self.log.load_part(&self.owner(owner), key).await
    }

    async fn list_parts(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let after = if self.flaw == F::ListsFromTheFirst { "" } else { after };
        let limit = if self.flaw == F::ListsWithoutLimit { usize::MAX } else { limit };
        let mut parts = self.log.list_parts(&self.owner(owner), after, limit).await?;
        if self.flaw == F::ListsPartsBackwards {
            parts.reverse();
        }
        Ok(parts)
    }

    async fn store_parts(&self, owner: &str, mut changes: Vec<PartChange>) -> Result<()> {
        match self.flaw {
            F::KeepsTheFirstChange => changes.reverse(),
            F::KeepsWhatIsGone => changes.retain(|change| change.value.is_some()),
            F::StoresOneByOne => {
                for change in changes {
                    self.log.store_parts(owner, vec![change]).await?;
                    yield_now().await;
                }
                return Ok(());
            }
            F::StoresWhatIsRefused => {
                let stored = self.log.store_parts(owner, changes.clone()).await;
                if stored.is_err() {
                    changes.truncate(2);
                    // It may be the owner that cannot be.
                    let _ = self.log.store_parts(owner, changes).await;
                }
                return stored;
            }
            F::StoresLate => {
                let mut change = Late(&self.late, Some((owner.to_owned(), changes)));
                yield_now().await;
                let (owner, changes) = change.1.take().unwrap();
                self.log.store_parts(&owner, changes).await?;
                let late = std::mem::take(&mut *self.late.lock().unwrap());
                for (owner, changes) in late {
                    self.log.store_parts(&owner, changes).await?;
                }
                return Ok(());
            }
            F::ConfusesOwners => {
                return self.log.store_parts(&owner.to_lowercase(), changes).await;
            }
            F::TakesAnyKey => {
                changes.retain(|change| !change.key.is_empty() && change.key.len() <= 128);
            }
            _ => {}
        }
        self.log.store_parts(owner, changes).await
    }

    async fn owners(&self) -> Result<Vec<String>> {
        let mut owners = self.log.owners().await?;
        if self.flaw == F::ListsOwnersBackwards {
            owners.reverse();
        }
        Ok(owners)
    }
}
