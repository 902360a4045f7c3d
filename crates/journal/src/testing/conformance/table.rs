//! The names of all cases, once: for the table of them, and for the tests made of them.

/// Makes a test of each case of the conformance kit, named like the case, in the module where it is
/// called.
///
/// It is given the attributes of the tests, and an expression that makes the
/// [`Harness`](crate::testing::Harness) of each: a store that nobody has used.
///
/// ```
/// # mod tests {
/// use foundation::{Result, System};
/// use journal::testing::{Harness, Setup};
/// use journal::{Journal, MemoryOptions};
///
/// struct Memory;
///
/// #[async_trait::async_trait]
/// impl Harness for Memory {
///     async fn open(&self, system: &System, setup: &Setup) -> Result<Journal> {
///         MemoryOptions::default()
///             .shards(setup.shards)
///             .limits(setup.limits)
///             .pressure(setup.pressure)
///             .retention(setup.retention)
///             .open(system)
///     }
///     async fn crash(&self, journal: Journal) {
///         drop(journal);
///     }
///     async fn settle(&self, _journal: &Journal) -> Result<()> {
///         Ok(())
///     }
///     fn survives(&self) -> bool {
///         false
///     }
/// }
///
/// journal::conformance! {
///     #[tokio::test(start_paused = true)]
///     Memory
/// }
/// # }
/// ```
#[macro_export]
macro_rules! conformance {
    (@list $then:ident $given:tt) => {
        $crate::conformance! { @$then $given
            streams:
                appends_make_the_versions_one_two_three
                the_head_counts_what_is_queued
                appends_of_a_writer_become_durable_in_their_order
                what_is_seen_becomes_durable
                what_was_seen_survives_a_crash
                everything_is_seen_when_its_ticket_says_so
                changes_take_effect_in_their_order
                an_append_of_nothing_makes_a_version
                payloads_come_back_as_they_were
                the_longest_names_and_keys_are_kept
                streams_do_not_see_each_other
                an_append_is_made_though_nobody_waits;
            versions:
                an_append_that_expects_another_version_is_refused
                what_is_queued_counts_for_what_is_expected
                a_conflict_does_not_touch_other_streams;
            reading:
                a_stream_without_appends_is_at_version_zero
                a_load_gives_nothing_that_was_not_asked_for
                events_carry_their_version_and_time
                history_begins_behind_a_version
                parts_are_given_by_their_keys
                parts_are_given_between_keys;
            snapshots:
                a_snapshot_replaces_the_events_up_to_it
                a_snapshot_may_be_of_its_own_append
                an_older_snapshot_is_ignored;
            paging:
                many_pages_give_the_same_as_one
                a_page_has_at_least_one_versions_events;
            wakes:
                a_stream_is_due_from_its_time_on
                a_stream_has_one_wake
                due_streams_are_listed_in_pages
                a_page_begins_behind_what_is_no_longer_due
                listing_changes_nothing
                streams_of_a_kind_are_listed
                a_listed_stream_says_how_it_is
                what_is_no_shard_or_kind_is_refused;
            answers:
                an_answer_is_found_again
                a_key_is_answered_once
                of_two_queued_answers_the_first_counts
                a_stream_goes_on_after_a_refused_answer
                an_answer_is_kept_until_its_time;
            fencing:
                opening_a_stream_fences_the_writer_before
                what_a_fenced_writer_had_queued_is_decided
                fencing_is_for_one_stream
                dropping_a_fenced_writer_leaves_the_other_one;
            leases:
                a_later_lease_has_a_greater_epoch
                who_takes_a_shard_over_ends_the_lease_before
                what_was_queued_under_a_lost_lease_is_decided
                taking_a_shard_over_does_not_touch_another
                a_lease_is_for_the_streams_of_its_shard
                a_lease_does_not_outlive_its_journal;
            deletion:
                a_deleted_stream_is_refused
                a_folded_stream_is_deleted_too
                nothing_follows_a_tombstone
                a_name_is_free_after_the_retention_of_tombstones
                the_log_tells_of_a_deletion;
            log:
                the_log_has_every_append_with_all_it_did
                positions_rise_and_are_of_their_shard
                a_reader_begins_behind_its_position
                a_reader_that_waits_is_given_what_comes
                a_reader_that_gave_up_has_lost_nothing
                a_long_log_is_read_without_gaps
                a_reader_behind_retention_is_told_of_a_gap;
            concurrency:
                readers_miss_nothing_while_many_append
                shards_do_not_wait_for_each_other;
            signals:
                signals_are_read_in_their_order
                a_reader_begins_in_the_middle_of_an_append
                a_reader_of_signals_waits_for_the_next
                readers_that_wait_do_nothing
                many_appends_without_signals_are_passed
                an_append_of_many_signals_is_read_whole
                signals_are_found_by_their_time;
            retention:
                signals_are_kept_for_their_time
                signals_are_kept_up_to_their_bytes
                a_pass_with_nothing_to_drop_drops_nothing;
            blobs:
                a_blob_is_read_as_it_was_written
                a_blob_is_there_when_it_is_finished
                a_blob_that_nobody_holds_is_collected
                a_blob_that_is_held_just_in_time_stays
                the_end_of_a_stream_releases_its_blobs
                what_a_stream_holds_is_listed
                a_hold_of_what_is_not_there_is_refused
                the_log_tells_of_holds
                a_blob_has_a_limit
                a_blob_needs_a_lease
                a_blob_waits_for_its_turn
                a_crash_leaves_a_blob_wholly_or_not_at_all;
            maintenance:
                a_store_tells_what_is_in_it
                a_store_tells_where_its_log_begins
                a_sound_store_is_read_whole_and_found_sound
                a_store_is_found_sound_while_others_write
                nobody_looks_after_a_closed_store;
            exports:
                an_export_has_everything_but_what_was_deleted
                an_export_has_what_was_acknowledged_before_it
                an_export_that_fails_changes_nothing;
            backups:
                a_backup_is_a_store_of_its_own
                a_backup_has_what_was_acknowledged_before_it
                a_backup_takes_the_place_of_nothing;
            limits:
                what_is_at_its_limit_is_taken_and_no_more
                a_whole_append_has_a_limit
                what_cannot_be_is_refused
                names_have_limits;
            permits:
                appends_of_a_writer_wait_for_a_permit
                appends_of_a_journal_wait_for_a_permit
                bytes_wait_for_a_permit
                refused_appends_give_their_permits_back
                a_permit_need_not_be_as_large_as_its_append;
            lifecycle:
                a_closed_journal_refuses_everything
                who_waits_for_a_journal_is_told_of_its_close
                what_is_queued_is_committed_by_a_close
                a_close_that_is_given_up_goes_on
                what_was_acknowledged_is_there_after_a_crash
                an_append_is_there_wholly_or_not_at_all
                what_was_done_is_counted;
        }
    };
    (@table [] $($topic:ident: $($name:ident)+;)+) => {
        &[$($(Case { name: stringify!($name), run: |harness| Box::pin($topic::$name(harness)) },)+)+]
    };
    (@tests [$attributes:tt $harness:tt] $($topic:ident: $($name:ident)+;)+) => {
        $($($crate::conformance! { @test $attributes $harness $name })+)+
    };
    (@test [$(#[$attribute:meta])*] [$harness:expr] $name:ident) => {
        $(#[$attribute])*
        async fn $name() {
            $crate::testing::run(stringify!($name), &$harness).await;
        }
    };
    ($(#[$attribute:meta])+ $harness:expr) => {
        $crate::conformance! { @list tests [[$(#[$attribute])+] [$harness]] }
    };
}
