//! The cases about tasks in one go and on one database: for stores that take seconds to set up.

use super::Fresh;

macro_rules! one_after_the_other {
    ($fresh:ident $($area:ident { $($case:ident)* })*) => {
        $($( super::$area::$case($fresh).await; )*)*
    };
}

/// Runs them all on this store; a panic tells which one fails.
pub async fn all_about_tasks(fresh: &Fresh) {
    one_after_the_other! { fresh
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
        units {
            a_call_outside_is_visible_to_every_caller_once_it_returns
            its_own_writes_are_visible_within_it
            its_writes_are_invisible_outside_before_commit
            a_commit_makes_all_writes_visible
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn no_case_about_tasks_is_left_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
        let listed = fs::read_to_string(folder.join("tasks.rs")).unwrap();
        for area in ["task_rows", "task_order", "task_search", "task_paging", "task_writes"] {
            let source = fs::read_to_string(folder.join(area).with_extension("rs")).unwrap();
            let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            for case in cases.filter_map(|line| line.split_once('(')).map(|(case, _)| case) {
                assert!(listed.lines().any(|line| line.trim() == case), "{case} is left out");
            }
        }
    }
}
