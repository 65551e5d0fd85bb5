//! The throwaway servers themselves: killed, restarted, shared and deleted.

use super::*;

#[test]
fn a_private_cluster_keeps_its_rows_over_a_kill_and_is_gone_afterwards() {
    let Some(server) = PostgresServer::private("testkit: private cluster", Durability::Durable).unwrap()
    else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sql = |sql: &str| runtime.block_on(execute_as_admin(&server.url("postgres"), sql.to_owned()));
    sql("CREATE TABLE kept (a integer); INSERT INTO kept VALUES (1)").unwrap();
    server.kill().unwrap();
    assert!(sql("SELECT 1").is_err());
    server.start().unwrap();
    sql("UPDATE kept SET a = 1 / (SELECT count(*) FROM kept)").unwrap();
    let folder = server.folder.clone();
    drop(server);
    assert!(!folder.exists());
}

#[tokio::test]
async fn databases_are_empty_distinct_and_dropped() {
    let (Some(one), Some(two)) = (fresh_database("testkit").await, fresh_database("testkit").await) else {
        return;
    };
    assert_ne!(one.name(), two.name());
    execute_as_admin(one.url(), "CREATE TABLE a (b integer)".to_owned()).await.unwrap();
    execute_as_admin(two.url(), "CREATE TABLE a (b integer)".to_owned()).await.unwrap();
    let url = one.url().to_owned();
    drop(one);
    assert!(execute_as_admin(&url, "SELECT 1".to_owned()).await.is_err());
}

#[tokio::test]
async fn a_pooler_leads_to_its_database_and_comes_back_after_a_kill() {
    let Some(database) = fresh_database("testkit: pooler").await else {
        return;
    };
    let Some(pooler) = PgBouncer::in_front_of(database.url(), "testkit: pooler").unwrap() else {
        return;
    };
    let ask = async || {
        let options = pooler.url().parse::<PgConnectOptions>()?;
        let options = options.extra_float_digits(None).statement_cache_capacity(0);
        let mut connection = PgConnection::connect_with(&options).await?;
        connection.execute(sqlx::raw_sql("CREATE TABLE IF NOT EXISTS kept (a integer)")).await.map(|_| ())
    };
    ask().await.unwrap();
    pooler.kill().unwrap();
    assert!(ask().await.is_err());
    pooler.start().unwrap();
    ask().await.unwrap();
    execute_as_admin(database.url(), "SELECT a FROM kept".to_owned()).await.unwrap();
}
