//! Several servers on one file.

use std::collections::BTreeSet;

use super::{
    files::integrity,
    server::{Person, Server},
};

#[tokio::test]
async fn eight_servers_begin_on_a_new_file_at_once_and_one_migrates() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let mut servers: Vec<Server> = (0..8).map(|_| Server::start(folder.path(), &file)).collect();
    let said: Vec<Vec<String>> = servers.iter_mut().map(Server::ready).collect();
    let migrators = said.iter().filter(|lines| {
        lines.iter().any(|line| line.contains("migrated") && line.contains("m20261121_000001_create_users"))
    });
    assert_eq!(migrators.count(), 1, "{said:#?}");

    let ada = servers[0].sign_up().await;
    let people: Vec<Person<'_>> = servers.iter().map(|server| server.person(&ada.token)).collect();
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let writing = people.iter().enumerate().map(async |(place, person)| {
            // Eight writers take turns; who waited too long is told so, and comes again.
            for attempt in 0.. {
                let title = format!("{round} at {place}, {attempt}");
                if person.creates(&title, "").await {
                    return title;
                }
            }
            unreachable!("there is always one more attempt")
        });
        acknowledged.extend(futures_util::future::join_all(writing).await);
    }
    for person in &people {
        let titles = person.titles().await;
        assert!(titles.is_superset(&acknowledged), "{titles:?}");
    }
    drop(people);
    for server in servers {
        server.kill();
    }
    assert_eq!(integrity(&file).await, "ok");
}
