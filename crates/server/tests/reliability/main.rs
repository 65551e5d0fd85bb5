//! The program under eight writers while its database, its pooler, its network and it itself are killed: what was
//! acknowledged is stored, exactly once, and nobody is told anything wrong.
//!
//! `FAULTS_SECONDS` and `FAULTS_SEED` make the last of these tests long, and then strict about time (`just faults`).
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the figures are for people"
)]

mod chance;
mod process;
mod scene;
mod strikes;
mod tally;
mod writer;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use chance::Chance;
use scene::Scene;
use strikes::Strike;
use tally::{Report, Tally};
use writer::Writers;

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(3);
const WRITERS: usize = 8;
/// Writes that must be acknowledged before the next blow: service is full again.
const BETWEEN: u64 = 4 * WRITERS as u64;
/// How long the random faults last in CI.
const SHORT: Duration = Duration::from_secs(10);

/// Waits until `count` more writes are acknowledged.
async fn more_writes(tally: &Tally, count: u64) {
    let wanted = tally.acknowledged() + count;
    let progress = async {
        while tally.acknowledged() < wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, progress).await.unwrap_or_else(|_| panic!("writing does not go on: {tally:?}"));
}

/// Eight writers, and `blow` again and again until it has nothing more to strike with.
async fn under_writers(scene: Scene, mut blow: impl FnMut(&Scene) -> Option<Strike>) -> Report {
    let scene = Arc::new(scene);
    let tally = Arc::new(Tally::default());
    let writers = Writers::start(&scene, &tally, WRITERS).await;
    more_writes(&tally, BETWEEN).await;
    while let Some(strike) = blow(&scene) {
        scene.suffer(strike, &tally).await;
        more_writes(&tally, BETWEEN).await;
    }
    let expected = writers.finish().await;
    tally.judge(&expected, scene.rows().await);
    tally.report(scene.name())
}

async fn one_by_one(scene: Option<Scene>, strikes: &[Strike]) {
    let Some(scene) = scene else { return };
    let mut left = strikes.iter().copied();
    let report = under_writers(scene, |_| left.next()).await;
    println!("{}\n{report}", Report::HEAD);
    report.assert_kept();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_9_of_postgres_three_times_loses_and_doubles_no_acknowledged_write() {
    one_by_one(Scene::on_postgres().await, &[Strike::KillDatabase; 3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_9_of_postgres_and_of_the_pooler_in_front_loses_and_doubles_no_acknowledged_write() {
    let strikes = [Strike::KillDatabase, Strike::KillPooler, Strike::KillDatabase, Strike::KillPooler];
    one_by_one(Scene::behind_a_pooler().await, &strikes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_9_of_the_server_loses_and_doubles_no_acknowledged_write_on_postgres() {
    one_by_one(Scene::on_postgres().await, &[Strike::KillServer; 3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_9_of_the_server_loses_and_doubles_no_acknowledged_write_on_sqlite() {
    one_by_one(Some(Scene::on_sqlite()), &[Strike::KillServer; 3]).await;
}

/// Random blows for as long as told.
async fn at_random(scene: Scene, seed: u64, lasts: Duration) -> Report {
    let mut chance = Chance::new(seed);
    let end = Instant::now() + lasts;
    under_writers(scene, |scene| (Instant::now() < end).then(|| scene.draw(&mut chance))).await
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables of their own")]
fn told(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_faults_break_no_promise() {
    let asked = told("FAULTS_SECONDS").map(Duration::from_secs);
    let (lasts, seed) = (asked.unwrap_or(SHORT), told("FAULTS_SEED").unwrap_or(1));
    println!("{} s of random faults, FAULTS_SEED={seed}\n{}", lasts.as_secs(), Report::HEAD);
    let scenes = [Scene::on_postgres().await, Scene::behind_a_pooler().await, Some(Scene::on_sqlite())];
    let runs = scenes.into_iter().flatten().zip(seed..).map(|(scene, seed)| {
        tokio::spawn(async move {
            let report = at_random(scene, seed, lasts).await;
            println!("{report}");
            report
        })
    });
    let mut reports = Vec::new();
    for run in runs.collect::<Vec<_>>() {
        reports.push(run.await.unwrap());
    }
    for report in &reports {
        report.assert_kept();
        if asked.is_some() {
            report.assert_in_time();
        }
    }
}
