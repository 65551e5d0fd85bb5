//! The conformance kit: one case for every MUST of the storage ports, for every adapter alike.
//!
//! An adapter runs it with one line, `store_conformance!(fresh_sqlite);`, where `fresh_sqlite` is an
//! `async fn() -> Option<Fresh>`. Cases use owners of their own, so that stores of several cases may share a database.

pub mod administration;
pub mod audit;
pub mod housekeeping;
pub mod idempotency;
pub mod leases;
pub mod legacy_tokens;
pub mod one_time_tokens;
pub mod personal_tokens;
mod reference;
pub mod second_factors;
pub mod sessions;
pub mod task_order;
pub mod task_paging;
pub mod task_rows;
pub mod task_search;
pub mod task_writes;
pub mod tasks;
pub mod throttle;
pub mod units;
pub mod users;

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        UserId,
        users::{Account, LinkedAccount},
    },
    ports::{Store, StoreError},
};

use crate::fixtures;

/// No case may take longer: a deadlock shall fail and not hang.
const CASE_LIMIT: Duration = Duration::from_mins(2);

/// Brings in accounts as an adoption does: without a claim on their address, so that it may differ from another's in
/// case alone.
#[async_trait]
pub trait Adopt: Send + Sync {
    /// Adds the account.
    async fn adopt(&self, account: &Account) -> Result<(), StoreError>;

    /// Adds a link of the account.
    async fn link(&self, owner: UserId, link: &LinkedAccount) -> Result<(), StoreError>;
}

/// A store for one case, and what must live as long as it: a folder, a database.
pub struct Fresh {
    /// The store under test.
    pub store: Arc<dyn Store>,
    adopt: Option<Arc<dyn Adopt>>,
    _keep: Box<dyn Any + Send>,
}

impl Fresh {
    /// A store, and what is dropped after it.
    pub fn new(store: Arc<dyn Store>, keep: impl Any + Send) -> Self {
        Self { store, adopt: None, _keep: Box::new(keep) }
    }

    /// With a way to bring in adopted accounts; without it, the cases about them pass unexamined.
    #[must_use]
    pub fn adopting(self, adopt: Arc<dyn Adopt>) -> Self {
        Self { adopt: Some(adopt), ..self }
    }

    /// Adds an account and answers its id.
    async fn member(&self) -> UserId {
        let account = fixtures::account().build();
        self.store.users().insert(&account).await.unwrap();
        account.user.id
    }
}

/// Runs one case on two worker threads, on a store of its own. Without a store the case is skipped.
pub fn run(factory: impl AsyncFnOnce() -> Option<Fresh>, case: impl AsyncFnOnce(&Fresh)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Some(fresh) = factory().await {
            tokio::time::timeout(CASE_LIMIT, case(&fresh)).await.expect("the case hangs");
        }
    });
}

/// Makes one test of every case, in a module with the factory's name.
#[macro_export]
macro_rules! store_conformance {
    ($factory:ident) => {
        $crate::store_conformance! { @cases $factory
            units {
                a_call_outside_is_visible_to_every_caller_once_it_returns
                its_own_writes_are_visible_within_it
                its_writes_are_invisible_outside_before_commit
                a_commit_makes_all_writes_visible
                dropping_it_rolls_everything_back
                a_duplicate_spends_it
                a_missing_owner_spends_it
                a_comparison_that_fails_does_not_spend_it
                parallel_ones_all_commit
                it_may_be_committed_by_another_task
                an_abandoned_call_leaves_the_store_usable
                a_ping_is_answered
                a_store_that_writes_says_so
            }
            task_rows {
                every_field_comes_back_as_it_went_in
                texts_of_any_unicode_come_back_as_they_went_in
                absent_and_empty_are_told_apart
                texts_at_and_over_their_limits_come_back
                times_keep_their_microseconds_from_year_1_to_9999
                numbers_and_names_come_back
                no_call_reads_or_writes_a_row_of_another_owner
                an_id_is_taken_once_for_each_owner
                a_task_needs_an_account
            }
            task_order {
                every_order_is_total_and_as_computed_by_hand
                an_absent_due_time_is_later_than_all_others
                titles_sort_by_code_point
                titles_sort_by_their_first_255_code_points_and_then_by_id
                priorities_sort_by_rank
                ids_compare_by_their_bytes
            }
            task_search {
                pattern_characters_are_found_literally
                case_is_folded_before_and_never_by_the_store
                unicode_is_compared_code_point_by_code_point
                title_and_description_are_searched_apart
                an_update_moves_what_is_found
                a_long_text_is_searched_to_its_end
                u_0000_is_in_no_task
            }
            task_paging {
                count_equals_list_under_every_filter
                due_bounds_include_the_first_and_exclude_the_last
                pages_by_position_show_each_task_once_despite_writes
                a_position_holds_after_its_task_is_gone
                an_offset_past_the_end_is_an_empty_page
                a_page_has_at_most_its_limit
                any_walk_gives_the_reference_order
            }
            task_writes {
                an_update_does_what_the_changes_say
                an_update_of_nothing_counts_a_revision
                disjoint_updates_at_the_same_time_all_survive
                stale_and_missing_are_told_apart
                one_of_many_updates_of_the_same_revision_succeeds
                a_deletion_checks_what_is_expected
                one_of_many_deletions_succeeds
            }
            users {
                every_field_comes_back_as_it_went_in
                an_unknown_account_is_absent
                an_address_finds_its_account_in_any_case
                the_exact_spelling_wins_and_without_it_nobody_of_several
                an_address_is_no_pattern
                an_address_with_u_0000_is_nobodys
                an_address_that_differs_in_case_alone_is_a_duplicate
                one_of_many_sign_ups_with_one_address_succeeds
                an_id_is_taken_once
                a_sign_in_is_noted_and_nothing_else_changes
                a_hash_is_replaced_only_by_who_knows_it
                one_of_many_replacements_of_a_hash_succeeds
                a_password_is_set_at_its_time
                a_placeholder_is_claimed_once_and_with_a_free_address_alone
                a_role_is_given_at_its_time
                an_address_is_verified_at_its_time
                an_address_is_changed_unless_another_account_has_it
                one_of_many_changes_to_one_address_succeeds
            }
            administration {
                an_account_comes_with_its_credential
                a_held_account_keeps_others_waiting
                a_held_account_is_neither_changed_nor_deleted
                held_administrators_cannot_both_go
                the_newest_accounts_come_first
                accounts_are_filtered_by_role_and_by_bans_that_hold
                accounts_are_filtered_by_their_state_and_by_how_their_address_begins
                accounts_come_and_go_while_their_list_is_read
                a_profile_is_kept_cleared_and_set
                a_ban_is_set_replaced_and_lifted
                a_deleted_account_takes_its_rows_along
                the_address_of_a_deleted_account_is_free
                links_come_back_as_they_went_in
            }
            sessions {
                every_field_comes_back_as_it_went_in
                no_call_reads_or_writes_a_session_of_another_account
                an_id_is_taken_once_for_each_account
                a_session_needs_an_account
                a_rotation_does_what_the_session_says
                a_rotation_that_does_not_apply_changes_nothing
                a_rotation_checks_both_ends_to_the_microsecond
                one_of_many_rotations_succeeds
                an_earlier_end_stays
                one_of_many_ends_succeeds
                an_end_and_a_rotation_at_once_leave_it_ended
                all_but_one_end_and_are_named
                live_sessions_come_last_used_first
                all_sessions_are_listed_by_id
                only_the_sessions_used_last_are_kept
                ended_sessions_of_all_accounts_come_in_order
                an_end_is_told_from_its_commit_on
            }
            legacy_tokens {
                a_token_of_an_account_names_it
                a_denied_token_counts_no_more_and_any_other_does
                a_denial_is_new_once
                one_of_many_denials_is_new
                a_denial_needs_an_account
                an_account_that_refuses_all_does_so_for_ever
                one_of_many_refusals_is_new
                no_call_reads_or_writes_what_belongs_to_another_account
                denials_and_refusals_are_part_of_their_unit_of_work
            }
            idempotency {
                every_field_comes_back_as_it_went_in
                keys_compare_exactly
                no_call_reads_or_writes_a_record_of_another_owner
                a_forgotten_record_counts_as_none_though_it_is_still_there
                a_record_goes_with_its_account
                a_claim_needs_an_account
                a_claim_is_kept_or_lost_with_its_unit_of_work
                a_taken_key_does_not_spend_the_unit_of_work
                a_key_in_flight_keeps_others_waiting
                one_of_many_claims_wins
                what_is_forgotten_is_swept_and_nothing_else
            }
            throttle {
                an_attempt_that_comes_too_early_is_not_counted
                free_attempts_count_in_any_order
                a_known_network_neither_waits_for_others_nor_counts_with_them
                of_many_attempts_at_once_as_many_count_as_are_free
                one_of_many_attempts_at_once_has_the_slot_that_came_free
                of_many_networks_at_once_as_many_count_as_are_free
                failures_at_the_same_moment_are_all_counted
                what_is_given_back_was_no_failure
                an_attempt_that_failed_is_not_under_way_any_more
                a_success_clears_its_network_alone
                no_call_touches_another_principal_or_network
                a_principal_is_forgotten_as_a_whole
                what_has_expired_is_swept_and_nothing_else
                a_success_is_part_of_its_unit_of_work
                any_order_of_attempts_counts_as_the_limits_say
            }
            second_factors {
                every_field_comes_back_as_it_went_in
                an_enrolment_replaces_a_pending_one_and_none_that_counts
                a_factor_is_confirmed_once
                a_period_is_accepted_once_and_only_after_the_last
                one_of_many_acceptances_succeeds
                a_secret_is_sealed_anew_only_by_who_knows_it
                a_recovery_code_is_used_once_and_goes_with_its_factor
                one_of_many_redemptions_of_a_recovery_code_succeeds
                no_call_reads_or_writes_a_factor_of_another_account
                an_acceptance_is_part_of_its_unit_of_work
                a_deleted_account_takes_its_factor_along
            }
            one_time_tokens {
                every_field_comes_back_as_it_went_in
                a_token_needs_an_account
                a_token_is_redeemed_once_in_time_and_for_its_purpose_alone
                one_of_many_redemptions_succeeds
                a_superseded_token_is_void_whatever_clocks_and_ids_say
                a_revocation_ends_every_token_of_its_account
                what_was_issued_is_told_whatever_became_of_it
                the_links_that_are_good_are_told_the_earliest_first
                only_what_was_over_is_forgotten
                no_call_reads_or_writes_a_token_of_another_account
                a_redemption_is_part_of_its_unit_of_work
                a_deleted_account_takes_its_tokens_along
            }
            personal_tokens {
                every_field_comes_back_as_it_went_in
                a_token_needs_an_account_and_an_id_of_its_own
                a_bearer_comes_with_the_account_as_it_is_now
                the_newest_tokens_come_first
                a_use_is_noted_unless_a_later_one_was
                one_of_many_uses_at_once_is_noted
                a_removed_token_is_gone_and_no_other
                no_call_reads_or_writes_a_token_of_another_account
                a_token_is_made_and_removed_with_its_unit_of_work
                a_deleted_account_takes_its_personal_tokens_along
                what_is_over_is_swept_and_nothing_else
            }
            leases {
                a_lease_has_one_holder_until_its_end
                who_has_a_lease_gives_it_back_and_nobody_else
                one_of_many_holders_has_it
                leases_of_different_names_are_apart
                a_clock_that_was_set_back_keeps_nobody_out
            }
            housekeeping {
                of_any_rows_those_that_are_over_go_once_and_nothing_else
                many_sweeps_at_once_remove_each_row_once
            }
            audit {
                every_field_but_the_device_comes_back_as_it_went_in
                the_account_need_not_exist
                the_newest_come_first_and_ties_go_by_id
                behind_a_position_is_what_is_older
                a_kind_that_only_a_newer_version_knows_comes_back_by_its_name
                a_history_shows_its_own_account_alone
                deletions_of_all_accounts_come_in_order
                the_history_of_all_accounts_is_told_once_and_in_order
            }
        }
    };
    (@cases $factory:ident $($area:ident { $($case:ident)* })*) => {
        mod $factory {
            $(
                mod $area {
                    $(
                        #[test]
                        fn $case() {
                            $crate::conformance::run(
                                super::super::$factory,
                                $crate::conformance::$area::$case,
                            );
                        }
                    )*
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    #[test]
    fn every_case_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
        let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
        let listed: BTreeSet<&str> = list.lines().map(str::trim).collect();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Runs cases, and has none.
            if path.ends_with("tasks.rs") {
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            for case in cases.filter_map(|line| line.split_once('(')).map(|(case, _)| case) {
                assert!(listed.contains(case), "{case} is in no list of cases");
            }
        }
    }
}
