//! The names of all cases, once: for the table of them, and for the tests made of them.

/// Makes a test of each case of the conformance kit of logs, named like the case, in the module
/// where it is called.
///
/// It is given the attributes of the tests, and an expression that makes the
/// [`LogHarness`](crate::testing::LogHarness) of each: a log that nobody has used.
///
/// ```
/// # mod tests {
/// use std::sync::Arc;
///
/// use foundation::{Result, System};
/// use signals::testing::LogHarness;
/// use signals::{MemoryLog, SignalLog};
///
/// struct Memory;
///
/// #[async_trait::async_trait]
/// impl LogHarness for Memory {
///     async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
///         Ok(Arc::new(MemoryLog::new(system)))
///     }
///     async fn crash(&self, log: Arc<dyn SignalLog>) {
///         drop(log);
///     }
///     fn survives(&self) -> bool {
///         false
///     }
/// }
///
/// signals::log_conformance! {
///     #[tokio::test(start_paused = true)]
///     Memory
/// }
/// # }
/// ```
#[macro_export]
macro_rules! log_conformance {
    (@list $then:ident $given:tt) => {
        $crate::log_conformance! { @$then $given
            appending:
                positions_rise_in_the_order_of_appends
                signals_come_back_as_they_were
                an_append_is_next_to_each_other_and_in_order
                an_append_of_nothing_does_nothing
                a_large_append_is_whole
                a_signal_that_is_appended_twice_is_there_twice;
            reading:
                an_empty_log_is_read
                a_reader_begins_behind_its_position
                pages_of_any_size_give_the_same
                a_page_of_none_says_nothing
                a_reader_at_the_end_or_behind_it_finds_nothing
                reading_changes_nothing;
            tail:
                the_tail_is_there_when_an_append_returns
                the_tail_is_no_further_than_can_be_read
                a_reader_that_waits_is_given_what_comes
                a_new_tail_says_how_far_it_is
                a_tail_is_closed_with_its_log;
            times:
                entries_have_the_time_of_their_append
                times_never_go_back
                a_time_is_found_as_a_position
                a_time_is_found_when_signals_were_dropped;
            retention:
                signals_are_kept_for_their_time
                signals_are_kept_up_to_their_count
                signals_are_kept_up_to_their_bytes
                what_one_limit_does_not_keep_is_dropped
                a_retention_of_everything_drops_nothing
                everything_may_be_dropped
                dropping_signals_touches_no_parts;
            gaps:
                a_reader_behind_what_is_kept_is_told
                who_has_read_what_was_dropped_has_no_gap
                a_reader_that_is_overtaken_is_told;
            parts:
                parts_are_read_as_they_were_stored
                parts_are_listed_behind_a_key_up_to_a_limit
                the_last_change_of_a_part_counts
                a_part_that_is_gone_is_gone
                owners_do_not_see_each_other
                owners_are_listed_by_name
                what_is_at_its_limit_is_stored
                what_cannot_be_is_refused_as_a_whole
                to_store_nothing_does_nothing;
            concurrency:
                many_appends_at_a_time_are_all_there
                readers_miss_nothing_while_many_append
                a_tail_never_goes_back_while_many_append
                parts_are_seen_as_a_whole;
            giving_up:
                an_append_that_was_given_up_is_there_wholly_or_not_at_all
                a_reader_that_gave_up_has_lost_nothing
                parts_whose_storing_was_given_up_are_whole
                what_is_stored_behind_a_change_that_was_given_up_counts;
            survival:
                what_was_appended_is_there_after_a_crash
                an_append_that_crashed_is_there_wholly_or_not_at_all
                positions_and_times_go_on_behind_those_before
                what_was_dropped_stays_dropped
                parts_are_there_after_a_crash;
        }
    };
    (@table [] $($topic:ident: $($name:ident)+;)+) => {
        &[$($(LogCase {
            name: stringify!($name),
            run: |harness| Box::pin($topic::$name(harness)),
        },)+)+]
    };
    (@tests [$attributes:tt $harness:tt] $($topic:ident: $($name:ident)+;)+) => {
        $($($crate::log_conformance! { @test $attributes $harness $name })+)+
    };
    (@test [$(#[$attribute:meta])*] [$harness:expr] $name:ident) => {
        $(#[$attribute])*
        async fn $name() {
            $crate::testing::run_log_case(stringify!($name), &$harness).await;
        }
    };
    ($(#[$attribute:meta])+ $harness:expr) => {
        $crate::log_conformance! { @list tests [[$(#[$attribute])+] [$harness]] }
    };
}
