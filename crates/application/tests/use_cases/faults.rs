//! A store that fails at every step in turn: nothing is ever half done.

use holdfast_application::{
    Classify, ErrorKind, Services,
    auth::{AuthError, ChangeEmail, ChangePassword, ResetPassword, Scope, SignOut},
    domain::{
        sessions::EventKind,
        users::{Account, Email, Password, Role},
    },
    ports::{Repositories as _, StoreError, Tokens as _},
    users::BanWish,
};
use holdfast_testkit::{
    FailingStore, PlainPasswords, PlainTokens,
    fixtures::{PASSWORD, account, at},
    mail::token_in,
};

use crate::{
    idempotency, personal_tokens,
    world::{ADA, World, client, new_password, sign_up},
};

fn unavailable() -> StoreError {
    StoreError::Unavailable("connection reset".into())
}

/// The two ways in which a call goes wrong.
const FAULTS: [fn(&FailingStore, usize); 2] =
    [|store, n| store.fail_nth(n, unavailable()), |store, n| store.lose_answer_of_nth(n, unavailable())];

/// Runs `step` with each of its `calls` of the store going wrong in turn, in both ways, and once with none.
/// `step` arms the world that it made just before the use case, and checks what is left after it.
async fn at_every_call(calls: usize, step: impl AsyncFn(Box<dyn FnOnce(&World) + '_>) -> World) {
    for fault in FAULTS {
        for n in 1..=calls {
            let world = step(Box::new(move |world| fault(&world.faults, n))).await;
            assert!(!world.faults.is_armed(), "call {n} was never made");
        }
        let world = step(Box::new(move |world| fault(&world.faults, calls + 1))).await;
        assert!(world.faults.is_armed(), "there are more than {calls} calls");
    }
}

fn is_unavailable<T>(answer: &Result<T, AuthError>) -> bool {
    answer.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Unavailable(_)))
}

#[tokio::test]
async fn a_sign_up_that_fails_leaves_all_or_nothing() {
    // begin, account, session, network, event, commit
    at_every_call(6, async |arm| {
        let world = World::new();
        arm(&world);
        let signed_up = world.services.auth.sign_up(sign_up(ADA)).await;
        assert!(signed_up.is_ok() || is_unavailable(&signed_up), "{signed_up:?}");
        // Only an answer that was lost at commit leaves an account behind, and then a whole one.
        if let Some(account) = world.account(ADA).await {
            assert_eq!(world.history(account.user.id).await, [EventKind::SignedUp]);
            assert_eq!(world.unended(account.user.id).await.len(), 1);
        } else {
            assert!(signed_up.is_err());
            assert!(world.services.auth.sign_up(sign_up(ADA)).await.is_ok());
        }
        world
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_fails_leaves_all_or_nothing() {
    // account, count, second factor, begin, account, second factor, hash, time of sign-in, two counters, session, surplus
    // sessions, event, commit
    at_every_call(14, async |arm| {
        let world = World::new();
        let before = account().email(ADA).hash(Some(PlainPasswords::outdated(PASSWORD))).build();
        world.insert(&before).await;
        arm(&world);
        let signed_in = world.sign_in(ADA, PASSWORD).await;
        assert!(signed_in.is_ok() || is_unavailable(&signed_in), "{signed_in:?}");
        let Account { user, password_hash } = world.account(ADA).await.unwrap();
        let whole = [
            password_hash == Some(PlainPasswords::hashed(PASSWORD)),
            user.last_sign_in_at.is_some(),
            world.unended(user.id).await.len() == 1,
            world.history(user.id).await == [EventKind::SignedIn],
        ];
        assert!(whole == [true; 4] || (whole == [false; 4] && signed_in.is_err()), "{whole:?}");
        world
    })
    .await;
}

#[tokio::test]
async fn a_refusal_that_cannot_be_written_is_no_refusal() {
    // account, count, failure, event
    at_every_call(4, async |arm| {
        let world = World::new();
        arm(&world);
        let refused = world.sign_in(ADA, PASSWORD).await;
        let told = matches!(refused, Err(AuthError::InvalidCredentials));
        assert!(told || is_unavailable(&refused), "{refused:?}");
        world
    })
    .await;
}

#[tokio::test]
async fn a_change_of_password_that_fails_leaves_all_or_nothing() {
    // account, count, counter, second factor, begin, account, second factor, sessions, tokens from the field, links, personal
    // tokens, hash, time of sign-in, session, event, commit
    at_every_call(16, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let actor = world.actor(&signed_in).await;
        let before = world.account(ADA).await.unwrap();
        world.clock.set(at(5));
        arm(&world);
        let new = new_password("another password", &before.user.email);
        let wish =
            ChangePassword { current: Password::new(PASSWORD.to_owned()), new, code: None, client: client() };
        let changed = world.services.auth.change_password(actor, wish).await;
        assert!(changed.is_ok() || is_unavailable(&changed), "{changed:?}");
        let after = world.account(ADA).await.unwrap();
        let unended = world.unended(actor.user).await;
        let whole = [
            after.password_hash == Some(PlainPasswords::hashed("another password")),
            after.user.updated_at == at(5),
            after.user.last_sign_in_at == Some(at(5)),
            unended.len() == 1 && unended != [signed_in.session],
            world.history(actor.user).await == [EventKind::PasswordChanged, EventKind::SignedUp],
        ];
        assert!(whole == [true; 5] || (whole == [false; 5] && changed.is_err()), "{whole:?}");
        world
    })
    .await;
}

#[tokio::test]
async fn a_reset_that_fails_leaves_all_or_nothing() {
    // token, account, begin, account, token, hash, address, network, sessions, tokens from the field, links,
    // personal tokens, event, commit
    at_every_call(14, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        world.outbox.take();
        world.services.auth.forgot_password(ADA.to_owned()).unwrap();
        let token = token_in(&world.post().await[0].text);
        let wish = || ResetPassword {
            token: token.clone(),
            password: Password::new("another password".to_owned()),
            client: client(),
        };
        world.clock.set(at(5));
        arm(&world);
        let reset = world.services.auth.reset_password(wish()).await;
        assert!(reset.is_ok() || is_unavailable(&reset), "{reset:?}");
        let after = world.account(ADA).await.unwrap();
        let whole = [
            after.password_hash == Some(PlainPasswords::hashed("another password")),
            after.user.updated_at == at(5),
            after.user.email_verified,
            world.unended(after.user.id).await.is_empty(),
            world.history(after.user.id).await == [EventKind::PasswordReset, EventKind::SignedUp],
        ];
        assert!(whole == [true; 5] || (whole == [false; 5] && reset.is_err()), "{whole:?}");
        if whole[0] {
            assert!(!world.admits(&signed_in.access.token).await);
        } else {
            world.services.auth.reset_password(wish()).await.unwrap();
        }
        world
    })
    .await;
}

#[tokio::test]
async fn a_change_of_address_that_fails_leaves_all_or_nothing() {
    // token, begin, account, token, address, sessions, tokens from the field, links, personal tokens, event, commit
    at_every_call(11, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let actor = world.actor(&signed_in).await;
        world.outbox.take();
        let email = Email::new("lovelace@example.org".to_owned()).unwrap();
        let wish =
            ChangeEmail { email, password: Password::new(PASSWORD.to_owned()), code: None, client: client() };
        world.services.auth.request_email_change(actor, wish).await.unwrap();
        let token = token_in(&world.post().await[0].text);
        arm(&world);
        let confirmed = world.services.auth.confirm_email_change(&token, None, &client()).await;
        assert!(confirmed.is_ok() || is_unavailable(&confirmed), "{confirmed:?}");
        let whole = [
            world.account("lovelace@example.org").await.is_some(),
            world.account(ADA).await.is_none(),
            world.unended(actor.user).await.is_empty(),
            world.history(actor.user).await == [EventKind::EmailChanged, EventKind::SignedUp],
        ];
        assert!(whole == [true; 4] || (whole == [false; 4] && confirmed.is_err()), "{whole:?}");
        if !whole[0] {
            world.services.auth.confirm_email_change(&token, None, &client()).await.unwrap();
        }
        world
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_fails_is_good_for_another_try() {
    // session, account, rotation
    at_every_call(3, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        arm(&world);
        let failed = world.refresh(&signed_in.refresh.token).await;
        assert!(failed.is_ok() || is_unavailable(&failed), "{failed:?}");
        if failed.is_err() {
            let again = world.refresh(&signed_in.refresh.token).await.unwrap();
            assert!(world.admits(&again.access.token).await);
        }
        let session = world.session(&signed_in).await;
        assert_eq!((session.generation, session.ended), (2, None));
        assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
        world
    })
    .await;
}

#[tokio::test]
async fn an_end_for_reuse_and_its_event_are_written_together() {
    // session, begin, end, event, commit
    at_every_call(5, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        world.refresh(&signed_in.refresh.token).await.unwrap();
        world.clock.set(at(60));
        arm(&world);
        let refused = world.refresh(&signed_in.refresh.token).await;
        let told = matches!(refused, Err(AuthError::RefreshTokenInvalid));
        assert!(told || is_unavailable(&refused), "{refused:?}");
        let ended = world.session(&signed_in).await.ended.is_some();
        let written = world.history(signed_in.user.id).await.contains(&EventKind::RefreshTokenReuse);
        assert_eq!(ended, written);
        assert!(ended || !told);
        world
    })
    .await;
}

#[tokio::test]
async fn a_sign_out_and_its_event_are_written_together() {
    // session, begin, (account, personal tokens,) end, (refusal of legacy tokens,) event, commit
    for (scope, calls) in [(Scope::Local, 5), (Scope::Global, 8)] {
        at_every_call(calls, async |arm| {
            let world = World::new();
            let signed_in = world.sign_up(ADA).await;
            let bearer = Some(signed_in.access.token.clone());
            arm(&world);
            let wish = SignOut { bearer, refresh_token: None, scope, client: client() };
            let signed_out = world.services.auth.sign_out(wish).await;
            assert!(signed_out.is_ok() || is_unavailable(&signed_out), "{signed_out:?}");
            let ended = world.session(&signed_in).await.ended.is_some();
            assert_eq!(ended, world.history(signed_in.user.id).await.len() == 2);
            assert!(ended || signed_out.is_err());
            world
        })
        .await;
    }
}

#[tokio::test]
async fn a_sign_out_by_a_legacy_token_and_its_event_are_written_together() {
    // bearer, begin, denial (or account, personal tokens, end, refusal), event, commit
    for (scope, calls) in [(Scope::Local, 5), (Scope::Global, 8)] {
        at_every_call(calls, async |arm| {
            let world = World::new();
            world.tokens.accept_legacy_until(at(600));
            let ada = account().build();
            world.insert(&ada).await;
            let token = PlainTokens::legacy(ada.user.id, 0, at(600));
            let hash = world.tokens.verify_legacy(&token, at(0)).unwrap().hash;
            arm(&world);
            let wish = SignOut { bearer: Some(token), refresh_token: None, scope, client: client() };
            let signed_out = world.services.auth.sign_out(wish).await;
            assert!(signed_out.is_ok() || is_unavailable(&signed_out), "{signed_out:?}");
            let ended = world.rows.legacy_tokens().bearer(ada.user.id, hash).await.unwrap().is_none();
            assert_eq!(ended, world.history(ada.user.id).await.len() == 1);
            assert!(ended || signed_out.is_err());
            world
        })
        .await;
    }
}

#[tokio::test]
async fn a_personal_token_and_its_event_are_written_together() {
    // tokens, account, count, counter, second factor, begin, account, session, second factor, tokens, token, event, commit
    at_every_call(13, async |arm| {
        let world = World::new();
        let actor = world.actor(&world.sign_up(ADA).await).await;
        arm(&world);
        let made = world.services.auth.create_personal_token(actor, personal_tokens::any_wish()).await;
        assert!(made.is_ok() || is_unavailable(&made), "{made:?}");
        let kept = world.rows.personal_tokens().list(actor.user).await.unwrap();
        assert_eq!(kept.len(), world.history(actor.user).await.len() - 1);
        assert!(kept.len() == 1 || made.is_err());
        world
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_personal_token_and_its_event_are_written_together() {
    // begin, token, event, commit
    at_every_call(4, async |arm| {
        let world = World::new();
        let actor = world.actor(&world.sign_up(ADA).await).await;
        let auth = &world.services.auth;
        let made = auth.create_personal_token(actor, personal_tokens::any_wish()).await.unwrap();
        arm(&world);
        let revoked = auth.revoke_personal_token(actor, made.token.id, &client()).await;
        assert!(revoked.is_ok() || is_unavailable(&revoked), "{revoked:?}");
        let gone = world.rows.personal_tokens().list(actor.user).await.unwrap().is_empty();
        assert_eq!(gone, world.history(actor.user).await.contains(&EventKind::PersonalTokenRevoked));
        assert!(gone || revoked.is_err());
        world
    })
    .await;
}

#[tokio::test]
async fn a_promotion_the_end_of_its_sessions_and_its_event_are_written_together() {
    // account, begin, role, sessions, tokens from the field, event, commit
    at_every_call(7, async |arm| {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        arm(&world);
        let promoted = world.services.users.create_admin(Email::stored(ADA.into()), None).await;
        let whole = [
            world.account(ADA).await.unwrap().user.role == Role::Admin,
            world.unended(signed_in.user.id).await.is_empty(),
            world.history(signed_in.user.id).await.contains(&EventKind::RoleChanged),
        ];
        assert!(whole == [true; 3] || (whole == [false; 3] && promoted.is_err()), "{whole:?}");
        world
    })
    .await;
}

#[tokio::test]
async fn a_ban_the_end_of_its_sessions_and_its_event_are_written_together() {
    // begin, administrators, account, ban, sessions, tokens of the FastAPI backend, event, commit
    at_every_call(8, async |arm| {
        let world = World::new();
        let admin = world.admin().await;
        let signed_in = world.sign_up(ADA).await;
        arm(&world);
        let wish = BanWish { reason: None, expires_at: None };
        let banned = world.services.users.ban(admin, signed_in.user.id, wish).await;
        let whole = [
            world.account(ADA).await.unwrap().user.ban.is_some(),
            world.unended(signed_in.user.id).await.is_empty(),
            world.history(signed_in.user.id).await.contains(&EventKind::UserBanned),
        ];
        assert!(whole == [true; 3] || (whole == [false; 3] && banned.is_err()), "{whole:?}");
        world
    })
    .await;
}

#[tokio::test]
async fn a_deletion_and_its_event_are_written_together() {
    // account, count, counter, second factor, begin, account, second factor, deletion, counters of password and codes, event,
    // commit
    at_every_call(12, async |arm| {
        let world = World::new();
        let actor = world.actor(&world.sign_up(ADA).await).await;
        arm(&world);
        let password = Password::new(PASSWORD.to_owned());
        let deleted = world.services.users.delete_account(actor, &password, None, &client()).await;
        let gone = world.account(ADA).await.is_none();
        assert_eq!(gone, world.history(actor.user).await.contains(&EventKind::AccountDeleted));
        assert!(gone || deleted.is_err());
        world
    })
    .await;
}

#[tokio::test]
async fn an_administrator_and_its_event_are_written_together() {
    // account, begin, account, event, commit
    at_every_call(5, async |arm| {
        let world = World::new();
        let email = Email::stored(ADA.into());
        arm(&world);
        let password = new_password(PASSWORD, &email);
        let made = world.services.users.create_admin(email, Some(&password)).await;
        match world.account(ADA).await {
            Some(account) => assert_eq!(world.history(account.user.id).await, [EventKind::SignedUp]),
            None => assert!(made.is_err()),
        }
        world
    })
    .await;
}

#[tokio::test]
async fn a_create_with_a_key_leaves_all_or_nothing_and_its_repeat_settles_it() {
    // begin, key, task, commit
    at_every_call(4, async |arm| {
        let world = World::new();
        let ada = world.actor(&world.sign_up(ADA).await).await;
        let create = async |services: &Services| {
            let (draft, attempt) = (idempotency::draft(), idempotency::attempt("k"));
            services.tasks.create_once(ada, draft, attempt, idempotency::answer).await
        };
        arm(&world);
        let first = create(&world.services).await;
        // Where the answer of the commit alone was lost, a look at the key tells that all went well.
        assert_eq!(idempotency::count(&world, ada).await, u64::from(first.is_ok()), "{first:?}");
        let second = create(&world.services_with(PlainPasswords::default())).await.unwrap();
        assert_eq!(second.replayed, first.is_ok());
        if let Ok(first) = first {
            assert_eq!((first.replayed, first.answer), (false, second.answer));
        }
        assert_eq!(idempotency::count(&world, ada).await, 1);
        world
    })
    .await;
}
