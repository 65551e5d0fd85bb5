//! A client with several tabs over one storage, whose answers get lost: as long as it repeats within the interval, it
//! stays signed in.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, Refreshed},
    domain::sessions::{Client, EventKind, TooManyRotations},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::{
    Property,
    model::{DAY, MINUTE, REUSE, SECOND},
    world::World,
};

/// Pauses between two refreshes of a client: all within the idle time, some too short for the limit of ten a minute.
const PAUSES: [i64; 7] = [0, SECOND, 5 * SECOND, REUSE + 1, 15 * MINUTE, DAY, 7 * DAY - MINUTE];
/// Before the longest life of a session is over.
const LONGEST: i64 = 29 * DAY;

/// Rounds of refreshes. In each, all tabs present what is in the storage; the last one has its answer.
#[derive(Debug)]
pub(crate) struct HonestClients(Vec<Round>);

#[derive(Debug, Clone)]
struct Round {
    pause: i64,
    /// When each tab comes, in microseconds after the first.
    tabs: Vec<i64>,
}

impl Property for HonestClients {
    fn histories() -> impl Strategy<Value = Self> {
        let pause = prop::sample::select(&PAUSES[..]);
        let moment = prop_oneof![Just(0), 0..=REUSE, Just(REUSE)];
        let tabs = prop::collection::vec(moment, 1..6).prop_map(|mut tabs| {
            tabs[0] = 0;
            tabs.sort_unstable();
            tabs
        });
        let round = (pause, tabs).prop_map(|(pause, tabs)| Round { pause, tabs });
        prop::collection::vec(round, 1..25).prop_map(Self)
    }

    async fn play(&self, world: &World) -> TestCaseResult {
        let person = world.person().await;
        let began = world.now().micros();
        let mut storage = person.first.refresh.token.clone();
        let mut rotations = 0;
        for Round { pause, tabs } in &self.0 {
            if world.now().micros() - began + pause + 2 * MINUTE > LONGEST {
                break;
            }
            pass(world, *pause);
            let successor = first_answer(world, &storage).await?;
            rotations += 1;
            let first = world.now().micros();
            for moment in &tabs[1..] {
                pass(world, first + moment - world.now().micros());
                let Refreshed { access, refresh, at: _ } = answered(world, &storage).await?;
                prop_assert_eq!(&refresh.token, &successor, "two tabs got different tokens");
                let admitted = world.services.auth.authenticate(&access.token).await;
                prop_assert!(admitted.is_ok(), "{admitted:?}");
            }
            storage = successor;
        }
        let session = world.session(&person.first).await;
        prop_assert_eq!(session.generation, 1 + rotations);
        prop_assert_eq!(session.ended, None);
        prop_assert_eq!(world.count(&person, EventKind::RefreshTokenReuse).await, 0);
        Ok(())
    }
}

fn pass(world: &World, micros: i64) {
    world.clock.advance(Duration::from_micros(micros.unsigned_abs()));
}

/// The first tab waits as long as it is told to, and never for more than a minute.
async fn first_answer(world: &World, token: &str) -> Result<String, TestCaseError> {
    let refused = match world.services.auth.refresh(token, &Client::default()).await {
        Ok(pair) => return Ok(pair.refresh.token),
        Err(refused) => refused,
    };
    let AuthError::TooManyRefreshes(TooManyRotations { retry_after }) = refused else {
        return Err(TestCaseError::fail(format!("signed out: {refused:?}")));
    };
    prop_assert!(!retry_after.is_zero() && retry_after <= Duration::from_mins(1), "{retry_after:?}");
    world.clock.advance(retry_after);
    Ok(answered(world, token).await?.refresh.token)
}

async fn answered(world: &World, token: &str) -> Result<Refreshed, TestCaseError> {
    let answer = world.services.auth.refresh(token, &Client::default()).await;
    answer.map_err(|refused| TestCaseError::fail(format!("signed out: {refused:?}")))
}
