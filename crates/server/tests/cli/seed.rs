//! `holdfast seed`.

use crate::scene::{PASSWORD, Scene};

async fn fills(scene: &Scene) {
    let seeded = scene.run(&["seed", "--users", "3", "--tasks", "40", "--seed", "7", "--json"]).json();
    assert_eq!((&seeded["users"], &seeded["tasks"]), (&3.into(), &120.into()), "{seeded}");
    let password = seeded["password"].as_str().unwrap();
    let server = scene.serve();
    for email in [&seeded["first_email"], &seeded["last_email"]] {
        assert_eq!(server.sign_in(email.as_str().unwrap(), password).await, 200);
    }
    scene.refused(&["seed"], "has 3 accounts already");
    scene.refused(&["seed", "--seed", "7", "--yes-beside-existing-data"], "are there already");
    scene.done(&["seed", "--seed", "8", "--users", "1", "--tasks", "0", "--yes-beside-existing-data"]);
    assert_eq!(scene.done(&["user", "list", "--json"]).lines().count(), 4);
}

#[tokio::test]
async fn demo_data_is_there_once_and_its_accounts_sign_in() {
    fills(&Scene::new()).await;
}

#[tokio::test]
async fn demo_data_is_there_once_and_its_accounts_sign_in_on_postgres() {
    let Some(scene) = Scene::on_postgres().await else { return };
    scene.done(&["migrate", "up"]);
    fills(&scene).await;
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows() {
    let rows = |arguments: &[&str]| {
        let scene = Scene::new();
        let answer = scene.run_with(arguments, &format!("{PASSWORD}\n"));
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(!answer.stdout.contains(PASSWORD), "{answer:?}");
        scene.done(&["user", "list", "--json"])
    };
    let arguments = ["seed", "--users", "5", "--tasks", "2", "--password-stdin"];
    assert_eq!(rows(&arguments), rows(&arguments));
}

#[test]
fn demo_data_has_no_place_in_production() {
    let remote = "postgresql://app:hunter2@db.example/app?sslmode=require";
    for scene in [
        Scene::new()
            .with("ENVIRONMENT", "production")
            .with("ALLOW_SQLITE_IN_PRODUCTION", "true")
            .with("DATABASE_URL", "sqlite://data/holdfast.db"),
        Scene::new().with("DATABASE_URL", remote),
    ] {
        scene.refused(&["seed"], "demo data has no place");
        scene.refused(&["seed", "--yes-beside-existing-data"], "demo data has no place");
    }
}
