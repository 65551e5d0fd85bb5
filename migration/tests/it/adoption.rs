//! Taking over the FastAPI backend's database: what arrives, what is refused, and what is left alone.

use holdfast_domain::text;
use migration::{Direction, Engine, MigrationError, Runner};

use crate::concurrency::kill_at;
use crate::fastapi::{ANN, BCRYPT, NAMELESS, ODD, ORPHAN, Old, SALTED, Shape, TASKS, TWIN, on_every_form};
use crate::support::{migration_count, sqlite};

on_every_form!(
    every_task_arrives_with_its_id_its_owner_and_its_times_to_the_microsecond,
    every_account_arrives_and_each_owner_who_does_not_exist_gets_a_placeholder,
    derived_columns_are_what_the_server_would_have_written,
    the_old_tables_stay_as_they_are_and_down_leaves_nothing_else,
    a_second_up_and_a_second_adopt_change_nothing,
    fresh_takes_everything_over_anew,
    eight_at_once_all_succeed_and_one_adopts,
    the_survey_counts_and_writes_nothing,
    tables_that_come_after_the_schema_are_noticed_and_adopted,
    an_adoption_killed_midway_leaves_nothing_and_the_next_completes,
);

async fn every_task_arrives_with_its_id_its_owner_and_its_times_to_the_microsecond(old: Old) {
    Runner::new(&old.fixture.url).up(None).await.unwrap();
    let columns = ["due_at", "created_at", "updated_at"].map(|column| old.micros(column));
    let [due, created, updated] = columns;
    let [id, owner] = ["id", "owner_id"].map(|column| old.hex(column));
    let rows = old
        .fixture
        .texts(&format!(
            "SELECT {id} || ' ' || {owner} || ' ' || title || '|' || coalesce(description, 'NULL') || '|' || {due} || ' ' || priority \
                 || ' ' || CASE WHEN is_completed THEN 'done' ELSE 'open' END || ' ' || {created} || ' ' || {updated} || ' ' || revision \
             FROM tasks"
        ))
        .await;
    for (id, owner, title, description, due, rank, completed, created, updated) in TASKS {
        if owner == ORPHAN && !old.lets_orphans_in() {
            continue;
        }
        let unquote = |text: &str| {
            text.strip_prefix('\'')
                .and_then(|t| t.strip_suffix('\''))
                .map_or(text.to_owned(), |t| t.replace("\\'", "'").replace("''", "'"))
        };
        let due = due.map_or("NULL".to_owned(), |(_, micros)| micros.to_string());
        let state = if completed { "done" } else { "open" };
        let expected = format!(
            "{} {} {}|{}|{due} {rank} {state} {} {} 1",
            id.replace('-', ""),
            owner.replace('-', ""),
            unquote(title),
            unquote(description),
            created.1,
            updated.1
        );
        assert!(rows.contains(&expected), "{expected} is not in {rows:#?}");
    }
    let all = old.fixture.texts("SELECT title FROM task").await;
    assert_eq!(rows.len(), all.len());
    if old.fixture.engine() == Engine::Sqlite {
        let nul = old
            .fixture
            .texts(
                "SELECT hex(CAST(title AS BLOB)) || hex(CAST(description AS BLOB)) || hex(CAST(search_text AS BLOB)) || \
                     hex(CAST(title_sort AS BLOB)) || due_at || updated_at FROM tasks WHERE instr(title, char(0)) > 0",
            )
            .await;
        assert_eq!(
            nul,
            ["6E756C004C656400".to_owned()
                + "6E756C006C65641F00"
                + "6E756C004C6564"
                + "1709251199000000"
                + "1709251199500000"]
        );
    }
    if old.shape != Shape::A {
        let long = old.fixture.texts("SELECT title FROM tasks WHERE length(title) > 255").await;
        assert_eq!(long, ["Ü".repeat(300)]);
    }
}

async fn every_account_arrives_and_each_owner_who_does_not_exist_gets_a_placeholder(old: Old) {
    Runner::new(&old.fixture.url).up(None).await.unwrap();
    let columns =
        ["created_at", "updated_at", "banned_at", "ban_expires_at"].map(|column| old.micros(column));
    let [created, updated, banned, expires] = columns;
    let id = old.hex("id");
    let users = old
        .fixture
        .texts(&format!(
            "SELECT {id} || ' ' || email || '|' || coalesce(email_claim, 'NULL') || '|' || coalesce(substr(name, 1, 8), 'NULL') || '|' \
                 || coalesce(password_hash, 'NULL') || ' ' || role || CASE WHEN is_active THEN ' active ' ELSE ' inactive ' END \
                 || CASE WHEN email_verified THEN 'verified ' ELSE '' END || coalesce(image || ' ', '') || {banned} || ' ' \
                 || coalesce(ban_reason || ' ', '') || {expires} || ' ' || {created} || ' ' || {updated} FROM users ORDER BY id"
        ))
        .await;
    let [ann, twin, odd, nameless] = [ANN, TWIN, ODD, NAMELESS].map(|id| id.replace('-', ""));
    let (spring, summer) = ("1711852200000001", "1751371200120000");
    let (first, last) = ("-62135596800000000", "253402300799999999");
    let mut expected = match old.shape {
        Shape::A | Shape::AWithoutLengths => vec![
            format!(
                "{ann} Ann@Exämple.org|ann@exämple.org|Ann|{BCRYPT} user active NULL NULL {spring} {last}"
            ),
            format!("{twin} ann@exÄmple.org|NULL|NULL|{BCRYPT} user active NULL NULL {summer} {last}"),
            format!("{odd} ||NNNNNNNN|{BCRYPT} user inactive NULL NULL {first} {last}"),
            format!("{nameless} no address|no address||{BCRYPT} user active NULL NULL {last} {last}"),
        ],
        Shape::Oldest => [(&ann, first), (&twin, "-1"), (&nameless, summer)]
            .map(|(id, since)| placeholder(id, since))
            .to_vec(),
        Shape::B => vec![
            format!(
                "{ann} Ann@Exämple.org|ann@exämple.org|Ann|{BCRYPT} admin active verified https://x/a.png NULL NULL {spring} {last}"
            ),
            format!(
                "{twin} ann@exÄmple.org|NULL|NULL|{SALTED} user active {summer} spam {last} {summer} {summer}"
            ),
            format!("{odd} odd@x|odd@x|NNNNNNNN|{BCRYPT} user active {summer} NULL {summer} {summer}"),
            format!("{nameless} oauth@x|oauth@x||NULL user active NULL NULL {summer} {summer}"),
        ],
    };
    if old.lets_orphans_in() {
        let since = if old.fixture.engine() == Engine::Sqlite { "1709251199000000" } else { spring };
        expected.push(placeholder(&ORPHAN.replace('-', ""), since));
    }
    assert_eq!(users, expected);
    let links = old
        .fixture
        .texts(&format!(
            "SELECT id || provider_id || account_id || {updated} FROM linked_accounts ORDER BY id"
        ))
        .await;
    if old.shape == Shape::B {
        assert_eq!(links, [format!("acc4github4711{summer}"), format!("acc5google4712{spring}")]);
    } else {
        assert!(links.is_empty());
    }
    let adoption = Runner::new(&old.fixture.url).adoption().await.unwrap().unwrap();
    assert_eq!((adoption.form, adoption.users), (old.form(), expected.len() as u64));
    assert!(adoption.placeholders.contains(&ORPHAN.to_owned()) == old.lets_orphans_in(), "{adoption:?}");
}

fn placeholder(id: &str, since: &str) -> String {
    let (a, rest) = id.split_at(8);
    let email = format!(
        "orphan-{a}-{}-{}-{}-{}@placeholder.invalid",
        &rest[..4],
        &rest[4..8],
        &rest[8..12],
        &rest[12..]
    );
    format!("{id} {email}|{email}|NULL|NULL user inactive NULL NULL {since} {since}")
}

async fn derived_columns_are_what_the_server_would_have_written(old: Old) {
    Runner::new(&old.fixture.url).up(None).await.unwrap();
    for (source, derived) in [("email", "email_folded")] {
        let texts = old.fixture.texts(&format!("SELECT {source} FROM users ORDER BY id")).await;
        let stored = old.fixture.texts(&format!("SELECT {derived} FROM users ORDER BY id")).await;
        assert_eq!(stored, texts.iter().map(|text| text::fold(text)).collect::<Vec<_>>());
    }
    let titles = old.fixture.texts("SELECT title FROM tasks ORDER BY id").await;
    let descriptions = old.fixture.texts("SELECT coalesce(description, 'NULL') FROM tasks ORDER BY id").await;
    let sorts = old.fixture.texts("SELECT title_sort FROM tasks ORDER BY id").await;
    let searches = old.fixture.texts("SELECT search_text FROM tasks ORDER BY id").await;
    assert!(titles.len() >= 5);
    for (((title, description), sort), search) in titles.iter().zip(descriptions).zip(sorts).zip(searches) {
        assert_eq!(sort, text::prefix(title, 255));
        let expected = if description == "NULL" {
            text::fold(title)
        } else {
            format!("{}\u{1f}{}", text::fold(title), text::fold(&description))
        };
        assert_eq!(search, expected);
    }
}

async fn the_old_tables_stay_as_they_are_and_down_leaves_nothing_else(old: Old) {
    let (before, schema) = (old.old_state().await, old.fixture.schema().await);
    let runner = Runner::new(&old.fixture.url);
    assert_eq!(runner.would_adopt().await.unwrap(), Some(old.form()));
    assert_eq!(runner.adopted_at().await.unwrap(), None);
    assert_eq!(runner.up(None).await.unwrap().len(), migration_count());
    assert_eq!(runner.would_adopt().await.unwrap(), None);
    assert!(
        runner.adopted_at().await.unwrap().is_some_and(|at| (1_795_000_000..4_000_000_000).contains(&at))
    );
    assert_eq!(old.old_state().await, before);
    let all = old.fixture.schema().await;
    assert!(schema.iter().all(|line| all.contains(line)), "{schema:#?} {all:#?}");
    let ours = old.fixture.column_checksums("tasks").await;
    assert_eq!(runner.down(None).await.unwrap().len(), migration_count());
    let mut left = old.fixture.schema().await;
    left.retain(|line| !line.contains("seaql_migrations"));
    assert_eq!(left, schema);
    assert_eq!(old.old_state().await, before);
    runner.up(None).await.unwrap();
    assert_eq!(old.fixture.column_checksums("tasks").await, ours);
    assert_eq!(old.old_state().await, before);
}

async fn a_second_up_and_a_second_adopt_change_nothing(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let mut before = Vec::new();
    for table in ["users", "tasks", "linked_accounts", "adopted_users", "adopted_tasks", "adoptions"] {
        before.push(old.fixture.checksum(table).await);
    }
    assert!(runner.up(None).await.unwrap().is_empty());
    assert!(runner.adopt().await.unwrap().is_empty());
    let mut after = Vec::new();
    for table in ["users", "tasks", "linked_accounts", "adopted_users", "adopted_tasks", "adoptions"] {
        after.push(old.fixture.checksum(table).await);
    }
    assert_eq!(after, before);
}

async fn fresh_takes_everything_over_anew(old: Old) {
    let before = old.old_state().await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let adopted = old.fixture.checksum("tasks").await;
    old.fixture
        .execute("UPDATE tasks SET title = 'changed', title_sort = 'changed', revision = 2")
        .await
        .unwrap();
    runner.fresh(false).await.unwrap();
    assert_eq!(old.fixture.checksum("tasks").await, adopted);
    assert_eq!(old.old_state().await, before);
}

async fn eight_at_once_all_succeed_and_one_adopts(old: Old) {
    let migrators: Vec<_> = (0..8)
        .map(|_| {
            let url = old.fixture.url.clone();
            tokio::spawn(async move { Runner::new(&url).up(None).await.unwrap().len() })
        })
        .collect();
    let mut counts = Vec::new();
    for migrator in migrators {
        counts.push(migrator.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, migration_count()]);
    let all = old.fixture.texts("SELECT title FROM task").await.len();
    assert_eq!(old.fixture.texts("SELECT title FROM tasks").await.len(), all);
}

async fn an_adoption_killed_midway_leaves_nothing_and_the_next_completes(old: Old) {
    let (before, tables) = (old.old_state().await, old.fixture.tables().await);
    kill_at(&old.fixture, migration_count()).await;
    assert_eq!((old.old_state().await, old.fixture.tables().await), (before.clone(), tables));
    let runner = Runner::new(&old.fixture.url);
    assert_eq!(runner.up(None).await.unwrap().len(), migration_count());
    assert!(runner.adoption().await.unwrap().is_some());
    assert_eq!(old.old_state().await, before);
}

async fn the_survey_counts_and_writes_nothing(old: Old) {
    let (before, schema) = (old.old_state().await, old.fixture.schema().await);
    let runner = Runner::new(&old.fixture.url);
    let survey = runner.survey().await.unwrap().unwrap();
    assert_eq!((survey.form, survey.users), (old.form(), if old.has_users() { 4 } else { 0 }));
    assert_eq!(survey.tasks, old.fixture.texts("SELECT title FROM task").await.len() as u64);
    assert_eq!(survey.links, if old.shape == Shape::B { 2 } else { 0 });
    assert!(survey.faults.is_empty() && !survey.adopted, "{survey:?}");
    let shown = survey.to_string();
    let mut expected = vec!["2 tasks have a blank title"];
    if old.shape != Shape::A {
        expected.push("1 tasks have a title of more than 255");
    }
    if old.lets_orphans_in() {
        expected.push(if old.has_users() {
            "1 owners of rows do not exist"
        } else {
            "4 owners of rows do not exist"
        });
    }
    if old.has_users() {
        expected.push("1 accounts have the e-mail address of another one but for case");
    }
    if old.fixture.engine() == Engine::Sqlite {
        expected.push("1 tasks contain the character U+0000");
    }
    if old.shape == Shape::B {
        expected.extend(["2 accounts are banned", "1 accounts have no password"]);
    }
    for line in expected {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    assert_eq!((old.old_state().await, old.fixture.schema().await), (before, schema));
    runner.up(None).await.unwrap();
    assert!(runner.survey().await.unwrap().unwrap().adopted);
}

async fn tables_that_come_after_the_schema_are_noticed_and_adopted(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    let tables: Vec<String> = match (old.form(), old.fixture.engine()) {
        (migration::Form::ATasksOnly, _) => vec!["task".to_owned()],
        (migration::Form::A, _) => vec!["task".to_owned(), "user".to_owned()],
        (migration::Form::B, _) => {
            vec!["task".to_owned(), "account".to_owned(), "session".to_owned(), "user".to_owned()]
        }
    };
    let rename = |from: &str, to: &str| {
        tables
            .iter()
            .map(|table| format!("ALTER TABLE \"{from}{table}\" RENAME TO \"{to}{table}\";"))
            .collect::<Vec<_>>()
            .concat()
    };
    old.execute(&rename("", "away_")).await;
    runner.up(None).await.unwrap();
    assert!(matches!(runner.adopt().await, Err(MigrationError::NothingToAdopt)));
    assert!(matches!(runner.adopt_changes().await, Err(MigrationError::NotAdopted)));
    old.execute(&rename("away_", "")).await;
    assert_eq!(runner.would_adopt().await.unwrap(), Some(old.form()));
    assert!(runner.up(None).await.unwrap().is_empty());
    assert_eq!(runner.would_adopt().await.unwrap(), None);
    assert!(old.fixture.texts("SELECT title FROM tasks").await.len() >= 5);
}

#[tokio::test]
async fn without_old_tables_nothing_is_adopted() {
    let fixture = sqlite();
    let runner = Runner::new(&fixture.url);
    assert_eq!(runner.would_adopt().await.unwrap(), None);
    assert!(runner.survey().await.unwrap().is_none());
    runner.up(None).await.unwrap();
    assert!(runner.adoption().await.unwrap().is_none());
    let plan = runner.dry_run(Direction::Down, None).await.unwrap();
    assert!(plan.iter().any(|step| step.name.contains("adopt")));
}
