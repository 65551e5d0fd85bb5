//! Refreshing while somebody else does, and after an answer was lost.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, SignOut},
    domain::sessions::EventKind,
    ports::StoreError,
    users::BanWish,
};
use holdfast_testkit::PlainPasswords;

use crate::world::{ADA, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_parallel_refreshes_of_one_token_share_one_successor() {
    for _ in 0..10 {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (world, token) = (world.clone(), signed_in.refresh.token.clone());
                tokio::spawn(async move { world.refresh(&token).await })
            })
            .collect();
        let mut pairs = Vec::new();
        for caller in callers {
            pairs.push(caller.await.unwrap().unwrap());
        }
        assert!(pairs.iter().all(|pair| pair.refresh == pairs[0].refresh));
        for pair in &pairs {
            assert!(world.admits(&pair.access.token).await);
        }
        let session = world.session(&signed_in).await;
        assert_eq!((session.generation, session.ended), (2, None));
        assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
    }
}

#[tokio::test]
async fn who_loses_the_race_gets_the_winners_successor() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let (other, token) = (world.clone(), signed_in.refresh.token.clone());
    // Calls: the looks at session and account, then the rotation, which the other caller comes before.
    world.faults.before_nth(3, async move {
        other.refresh(&token).await.unwrap();
    });
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    let again = world.refresh(&signed_in.refresh.token).await.unwrap();
    assert_eq!(pair.refresh, again.refresh);
    assert_eq!(world.session(&signed_in).await.generation, 2);
}

#[tokio::test]
async fn who_loses_the_race_to_a_sign_out_is_out() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let (other, bearer) = (world.clone(), Some(signed_in.access.token.clone()));
    world.faults.before_nth(3, async move {
        other.sign_out(SignOut { bearer, ..SignOut::default() }).await;
    });
    let refused = world.refresh(&signed_in.refresh.token).await;
    assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
    assert_eq!(world.session(&signed_in).await.generation, 1);
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedOut, EventKind::SignedUp]);
}

#[tokio::test]
async fn who_loses_the_race_to_a_ban_is_out() {
    for call in 2..=3 {
        let world = World::new();
        let admin = world.admin().await;
        let signed_in = world.sign_up(ADA).await;
        let (other, user) = (world.clone(), signed_in.user.id);
        world.faults.before_nth(call, async move {
            let services = other.services_with(PlainPasswords::default());
            services.users.ban(admin, user, BanWish { reason: None, expires_at: None }).await.unwrap();
        });
        let refused = world.refresh(&signed_in.refresh.token).await;
        assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
        assert_eq!(world.session(&signed_in).await.generation, 1, "call {call}");
        assert_eq!(world.unended(user).await, []);
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.faults.lose_answer_of_nth(3, StoreError::Unavailable("broken pipe".into()));
    let lost = world.refresh(&signed_in.refresh.token).await;
    assert!(matches!(lost, Err(AuthError::Store(StoreError::Unavailable(_)))), "{lost:?}");
    assert_eq!(world.session(&signed_in).await.generation, 2);
    world.clock.advance(Duration::from_secs(30));
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    assert!(world.refresh(&pair.refresh.token).await.is_ok());
    assert_eq!(world.session(&signed_in).await.generation, 3);
}

#[tokio::test]
async fn an_end_for_reuse_is_written_once_however_many_find_it() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    let (other, token) = (world.clone(), signed_in.refresh.token.clone());
    // Calls: the look at the session, then the unit of work that ends it.
    world.faults.before_nth(2, async move {
        assert!(matches!(other.refresh(&token).await, Err(AuthError::RefreshTokenInvalid)));
    });
    let refused = world.refresh(&signed_in.refresh.token).await;
    assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
    let history = world.history(signed_in.user.id).await;
    assert_eq!(history, [EventKind::RefreshTokenReuse, EventKind::SignedUp]);
}
