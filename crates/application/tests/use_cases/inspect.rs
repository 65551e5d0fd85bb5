//! What a bearer token stands for.

use holdfast_application::{auth::AuthError, ports::Repositories as _};

use crate::world::{ADA, World};

#[tokio::test]
async fn a_token_is_told_with_its_session_and_its_account() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let seen = world.services.auth.inspect(&signed_in.access.token).await.unwrap();
    assert_eq!(seen.user, signed_in.user);
    assert_eq!(seen.session, Some(world.session(&signed_in).await));
    assert_eq!((seen.issued_at, seen.expires_at), (Some(signed_in.at), signed_in.access.expires_at));
}

#[tokio::test]
async fn an_ended_session_a_lost_account_and_garbage_are_one_refusal() {
    let world = World::new();
    let (gone, out) = (world.sign_up(ADA).await, world.sign_up("bob@example.com").await);
    assert!(world.rows.users().delete(gone.user.id).await.unwrap());
    let actor = world.actor(&out).await;
    let client = crate::world::client();
    world.services.users.end_session(actor, actor.user, out.session, &client).await.unwrap();
    for token in [&gone.access.token, &out.access.token, &out.refresh.token, "garbage"] {
        let refused = world.services.auth.inspect(token).await;
        assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
    }
}
