//! A thief with a copy of the victim's token: once both have refreshed further apart than the interval, nobody has a
//! session any more, whoever came first and however often.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, Refreshed},
    domain::sessions::{Client, EndReason, EventKind},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::{
    Property,
    model::{DAY, MINUTE, REUSE},
    world::World,
};

/// A theft.
#[derive(Debug)]
pub(crate) struct Thieves {
    /// Refreshes before the theft, each a quarter of an hour after the one before.
    before: usize,
    /// Refreshes of whoever comes first, likewise.
    first: usize,
    /// Repetitions of the first refresh within the interval, as if its answers had been lost.
    repeated: usize,
    /// How long after the last of those the other one comes; less than the idle time.
    apart: i64,
}

impl Property for Thieves {
    fn histories() -> impl Strategy<Value = Self> {
        let apart = prop_oneof![Just(REUSE + 1), REUSE + 1..MINUTE, MINUTE..7 * DAY];
        (0..4_usize, 1..6_usize, 0..3_usize, apart).prop_map(|(before, first, repeated, apart)| Self {
            before,
            first,
            repeated,
            apart,
        })
    }

    async fn play(&self, world: &World) -> TestCaseResult {
        let Self { before, first, repeated, apart } = *self;
        let person = world.person().await;
        let mut tokens = vec![person.first.refresh.token.clone()];
        let mut calls = vec![person.first.access.token.clone()];
        for _ in 0..before {
            rotate(world, &mut tokens, &mut calls).await?;
        }
        let stolen = tokens[before].clone();
        for turn in 0..first {
            rotate(world, &mut tokens, &mut calls).await?;
            for _ in 0..if turn == 0 { repeated } else { 0 } {
                let Refreshed { access, .. } = refresh(world, &stolen).await.unwrap();
                calls.push(access.token);
            }
        }
        world.clock.advance(Duration::from_micros(apart.unsigned_abs()));
        let live = world.services.auth.refresh(&stolen, &Client::default()).await;
        prop_assert!(matches!(live, Err(AuthError::RefreshTokenInvalid)), "{live:?}");
        for token in &tokens {
            let dead = refresh(world, token).await;
            prop_assert!(matches!(dead, Err(AuthError::RefreshTokenInvalid)), "{dead:?}");
        }
        for token in &calls {
            let dead = world.services.auth.authenticate(token).await;
            prop_assert!(matches!(dead, Err(AuthError::TokenInvalid)), "{dead:?}");
        }
        let session = world.session(&person.first).await;
        prop_assert_eq!(session.ended.and_then(|(_, reason)| reason.known()), Some(EndReason::Reuse));
        prop_assert_eq!(session.generation, i64::try_from(tokens.len()).unwrap());
        prop_assert_eq!(world.count(&person, EventKind::RefreshTokenReuse).await, 1);
        Ok(())
    }
}

async fn refresh(world: &World, token: &str) -> Result<Refreshed, AuthError> {
    world.services.auth.refresh(token, &Client::default()).await
}

/// A quarter of an hour later, whoever has the current token refreshes.
async fn rotate(world: &World, tokens: &mut Vec<String>, calls: &mut Vec<String>) -> TestCaseResult {
    world.clock.advance(Duration::from_mins(15));
    let pair = refresh(world, &tokens[tokens.len() - 1]).await;
    let Refreshed { access, refresh, at: _ } =
        pair.map_err(|error| TestCaseError::fail(error.to_string()))?;
    tokens.push(refresh.token);
    calls.push(access.token);
    Ok(())
}
