//! A history is read a page at a time, and each page costs what is on it: it follows its index.

use sea_orm::{ConnectionTrait, Statement};

#[expect(dead_code, reason = "PostgreSQL is for other tests of this folder")]
mod stores;

#[tokio::test]
async fn on_sqlite_the_pieces_of_all_histories_follow_the_index_of_times_and_are_not_sorted() {
    let (store, _folder) = stores::sqlite().await;
    for behind in ["", "AND (at, id, user_id) > (?, ?, ?) "] {
        let call = store.call();
        let explain = Statement::from_string(
            call.get_database_backend(),
            format!(
                "EXPLAIN QUERY PLAN SELECT kind FROM auth_events WHERE at >= ? AND at < ? {behind}\
                 ORDER BY at, id, user_id LIMIT ?"
            ),
        );
        let rows = call.query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get_by("detail").unwrap()).collect();
        assert_eq!(plan.len(), 1, "sorted: {plan:?}");
        assert!(plan[0].starts_with("SEARCH auth_events USING INDEX auth_events_at_idx (at>?"), "{plan:?}");
    }
}

#[tokio::test]
async fn on_sqlite_the_pages_of_a_history_follow_its_index_and_are_not_sorted() {
    let (store, _folder) = stores::sqlite().await;
    for behind in ["", "AND (at, id) < (?, ?) "] {
        let call = store.call();
        let explain = Statement::from_string(
            call.get_database_backend(),
            format!(
                "EXPLAIN QUERY PLAN SELECT kind FROM auth_events WHERE user_id = ? {behind}\
                 ORDER BY at DESC, id DESC LIMIT ?"
            ),
        );
        let rows = call.query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get_by("detail").unwrap()).collect();
        let searched = if behind.is_empty() { "(user_id=?)" } else { "(user_id=? AND (at,id)<(?,?))" };
        assert_eq!(plan, [format!("SEARCH auth_events USING INDEX auth_events_user_at_idx {searched}")]);
    }
}
