//! Sessions against a model of them: histories of lost answers, several tabs, old packets, a thief, time passing and
//! signing out, played on the real use cases over memory, SQLite and PostgreSQL.
//!
//! `SESSION_MODEL_CASES` is how many histories each property tries on each store; without it, few enough for every build.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

mod any_history;
mod honest_clients;
mod model;
mod thieves;
mod world;

use std::fmt::Debug;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseResult, TestRunner},
};

use any_history::AnyHistory;
use honest_clients::HonestClients;
use thieves::Thieves;
use world::World;

/// One test per property and store.
macro_rules! on_every_store {
    ($($test:ident: $property:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $test() {
                super::over::<super::$property>(super::World::on_memory(), 400);
            })+
        }
        mod sqlite {
            $(#[test] fn $test() {
                super::over::<super::$property>(super::World::on_sqlite(), 48);
            })+
        }
        mod postgres {
            $(#[test] fn $test() {
                super::over::<super::$property>(super::World::on_postgres(), 48);
            })+
        }
    };
}

on_every_store!(
    a_session_does_what_its_model_says_whatever_happens: AnyHistory,
    a_client_that_repeats_within_the_interval_is_never_signed_out: HonestClients,
    once_thief_and_victim_have_both_refreshed_the_session_is_over: Thieves,
);

/// A property of sessions: the histories that it is about, and how one is played.
trait Property: Debug + Sized {
    fn histories() -> impl Strategy<Value = Self>;
    fn play(&self, world: &World) -> impl Future<Output = TestCaseResult>;
}

/// Tries histories on one store, each with an account of its own; none where there is no such store on the machine.
fn over<P: Property>(store: impl Future<Output = Option<World>>, usual: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Some(world) = runtime.block_on(store) else { return };
    let config = Config { cases: cases().unwrap_or(usual), failure_persistence: None, ..Config::default() };
    let played =
        TestRunner::new(config).run(&P::histories(), |history| runtime.block_on(history.play(&world)));
    if let Err(failure) = played {
        panic!("{failure}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a knob of this test, not a setting of the program")]
fn cases() -> Option<u32> {
    std::env::var("SESSION_MODEL_CASES").ok().map(|cases| cases.parse().unwrap())
}
