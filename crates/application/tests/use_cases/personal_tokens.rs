//! Personal access tokens: made with the password, good for what they name, over when they are revoked.

use std::time::Duration;

use holdfast_application::{
    Actor,
    auth::{AuthError, ChangePassword, CreatePersonalToken, PersonalTokenMade, Scope, SignOut, SignedIn},
    domain::{
        PersonalTokenId, Timestamp, UserId,
        personal_tokens::{
            PERSONAL_TOKEN_LIMIT, PersonalToken, TokenLife, TokenName, TokenScope, TokenScopes,
        },
        sessions::EventKind,
        users::{Email, Password, Role},
    },
    housekeeping::Kind,
    ports::{PersonalTokenText, Repositories as _, StoreError, TokenHash},
    users::BanWish,
};
use holdfast_testkit::{
    PlainTokens,
    fixtures::{PASSWORD, at},
    ids::unique,
};

use crate::world::{ADA, World, client, new_password};

const DAY: u64 = 86_400;

fn wish(scopes: &[TokenScope], days: u64, password: &str) -> CreatePersonalToken {
    CreatePersonalToken {
        name: TokenName::new("backup").unwrap(),
        scopes: TokenScopes::new(scopes.iter().copied()).unwrap(),
        life: TokenLife::days(days).unwrap(),
        password: Password::new(password.to_owned()),
        code: None,
        client: client(),
    }
}

/// The wish for a token, whatever it is for.
pub(crate) fn any_wish() -> CreatePersonalToken {
    wish(&TokenScope::ALL, 90, PASSWORD)
}

async fn make(world: &World, actor: Actor, scopes: &[TokenScope]) -> PersonalTokenMade {
    let wish = wish(scopes, 90, PASSWORD);
    world.services.auth.create_personal_token(actor, wish).await.unwrap()
}

/// Ada with a session, who she is in it, and a token of hers that may do everything.
async fn ada(world: &World) -> (SignedIn, Actor, PersonalTokenMade) {
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    let made = make(world, actor, &TokenScope::ALL).await;
    (signed_in, actor, made)
}

async fn used(world: &World, text: &str, scope: TokenScope) -> Result<Actor, AuthError> {
    world.services.auth.authenticate_for(text, scope).await
}

/// Whether the token is good for reading tasks.
async fn good(world: &World, made: &PersonalTokenMade) -> bool {
    match used(world, made.text.expose(), TokenScope::TasksRead).await {
        Ok(_) => true,
        Err(AuthError::TokenInvalid) => false,
        Err(error) => unreachable!("nothing was told to fail: {error:?}"),
    }
}

async fn last_used(world: &World, made: &PersonalTokenMade) -> Option<Timestamp> {
    let PersonalToken { owner, id, .. } = made.token;
    world.rows.personal_tokens().bearer(owner, id).await.unwrap().unwrap().token.last_used_at
}

/// Puts a token of the account into the store past all rules.
async fn stored(world: &World, owner: UserId, expires_at: Timestamp) {
    let token = PersonalToken {
        owner,
        id: PersonalTokenId::new(unique()),
        name: TokenName::new("old").unwrap(),
        scopes: TokenScopes::new(TokenScope::ALL).unwrap(),
        created_at: at(0),
        expires_at,
        last_used_at: None,
    };
    world.rows.personal_tokens().insert(&token, TokenHash([7; 32])).await.unwrap();
}

#[tokio::test]
async fn a_token_is_made_with_the_password_listed_and_written_down() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.outbox.take();
    let verifications = world.passwords.verifications();
    let wish = wish(&[TokenScope::TasksRead], 1, PASSWORD);
    let PersonalTokenMade { token, text } =
        world.services.auth.create_personal_token(actor, wish).await.unwrap();
    assert_eq!(world.passwords.verifications() - verifications, 1);
    assert_eq!((token.owner, token.created_at, token.expires_at), (actor.user, at(0), at(DAY)));
    let claim = PersonalTokenText::open(text.expose()).unwrap();
    assert_eq!((claim.owner, claim.id), (actor.user, token.id));
    assert_eq!(world.services.auth.personal_tokens(actor).await.unwrap(), [token]);
    assert_eq!(world.history(actor.user).await, [EventKind::PersonalTokenCreated, EventKind::SignedUp]);
    let mails = world.post().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.subject)).collect();
    assert_eq!(told, [(ADA, "A personal access token was made")]);
    assert!(!mails[0].text.contains("hfp_") && !mails[0].text.contains("backup"), "{}", mails[0].text);
}

#[tokio::test]
async fn without_the_right_password_there_is_no_token() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let wish = wish(&TokenScope::ALL, 1, "wrong horse");
    let refused = world.services.auth.create_personal_token(actor, wish).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    assert_eq!(world.services.auth.personal_tokens(actor).await.unwrap(), []);
    assert_eq!(world.history(actor.user).await, [EventKind::SignInFailed, EventKind::SignedUp]);
}

#[tokio::test]
async fn a_token_of_the_field_makes_none() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(600));
    let signed_in = world.sign_up(ADA).await;
    let token = PlainTokens::legacy(signed_in.user.id, 0, at(600));
    let actor = world.services.auth.authenticate(&token).await.unwrap();
    let verifications = world.passwords.verifications();
    let refused = world.services.auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await;
    assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
    assert_eq!(world.passwords.verifications(), verifications);
}

#[tokio::test]
async fn a_token_is_good_for_its_scopes_and_never_more_than_a_user() {
    let world = World::new();
    let admin = world.admin().await;
    assert_eq!(admin.role, Role::Admin);
    for scopes in [&[TokenScope::TasksRead][..], &[TokenScope::TasksWrite], &TokenScope::ALL] {
        let made = make(&world, admin, scopes).await;
        for scope in TokenScope::ALL {
            match used(&world, made.text.expose(), scope).await {
                Ok(actor) => {
                    assert!(scopes.contains(&scope));
                    assert_eq!(actor, Actor { user: admin.user, session: None, role: Role::User });
                }
                Err(AuthError::ScopeMissing(missing)) => {
                    assert!(missing == scope && !scopes.contains(&scope));
                }
                Err(error) => unreachable!("{error:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_takes_a_session_takes_no_token_and_tells_a_bad_one_nothing() {
    let world = World::new();
    let (signed_in, _, made) = ada(&world).await;
    let auth = &world.services.auth;
    let good = made.text.expose();
    for refused in [auth.authenticate(good).await, auth.authenticate_by_row(good).await] {
        assert!(matches!(refused, Err(AuthError::PersonalTokenRefused)), "{refused:?}");
    }
    let (stranger, _) = PersonalTokenText::seal(signed_in.user.id, PersonalTokenId::new(unique()), &[1; 32]);
    for bad in [stranger.expose(), &good[..90], "hfp_"] {
        for refused in [auth.authenticate(bad).await, auth.authenticate_by_row(bad).await] {
            assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
        }
    }
    assert!(auth.inspect(good).await.is_err());
    assert!(auth.refresh(good, &client()).await.is_err());
    world
        .sign_out(SignOut {
            bearer: Some(good.to_owned()),
            refresh_token: Some(good.to_owned()),
            scope: Scope::Global,
            client: client(),
        })
        .await;
    assert!(world.admits(&signed_in.access.token).await, "a token signs nobody out");
    // And the token of a session is good wherever a token with a scope is.
    let actor = used(&world, &signed_in.access.token, TokenScope::TasksWrite).await.unwrap();
    assert_eq!(actor.session, Some(signed_in.session));
}

#[tokio::test]
async fn a_token_costs_one_look_and_a_broken_one_none() {
    let world = World::new();
    let (_, actor, made) = ada(&world).await;
    assert!(good(&world, &made).await);
    let text = made.text.expose().to_owned();
    let last = if text.ends_with('A') { 'B' } else { 'A' };
    let mistyped = format!("{}{last}", &text[..text.len() - 1]);
    for (text, calls) in [(text.as_str(), 1), (&mistyped, 0), (&text[..95], 0), ("hfp_", 0)] {
        let before = world.faults.calls();
        let answer = used(&world, text, TokenScope::TasksRead).await;
        assert_eq!((world.faults.calls() - before, answer.is_ok()), (calls, calls == 1), "{text}");
    }
    // Whoever forges a checksum is refused by the row.
    let (forged, _) = PersonalTokenText::seal(actor.user, made.token.id, &[9; 32]);
    assert!(matches!(
        used(&world, forged.expose(), TokenScope::TasksRead).await,
        Err(AuthError::TokenInvalid)
    ));
}

#[tokio::test]
async fn the_secret_of_one_token_proves_no_other() {
    let world = World::new();
    let (_, ada, of_ada) = ada(&world).await;
    let bob = world.actor(&world.sign_up("bob@example.com").await).await;
    let of_bob = make(&world, bob, &TokenScope::ALL).await;
    let secret = |n: u8| {
        let mut secret = [0; 32];
        secret[31] = n;
        secret
    };
    // The doubles draw secrets that count up.
    let own =
        (1..=9).find(|n| PersonalTokenText::seal(bob.user, of_bob.token.id, &secret(*n)).0 == of_bob.text);
    let own = secret(own.unwrap());
    for (owner, id) in [(ada.user, of_ada.token.id), (ada.user, of_bob.token.id), (bob.user, of_ada.token.id)]
    {
        let (forged, _) = PersonalTokenText::seal(owner, id, &own);
        let refused = used(&world, forged.expose(), TokenScope::TasksRead).await;
        assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
    }
    assert!(good(&world, &of_ada).await && good(&world, &of_bob).await);
}

#[tokio::test]
async fn a_revoked_token_is_refused_everywhere_at_once() {
    let world = World::new();
    let (_, actor, made) = ada(&world).await;
    let other = make(&world, actor, &TokenScope::ALL).await;
    let there = world.beside();
    assert!(good(&there, &made).await);
    world.services.auth.revoke_personal_token(actor, made.token.id, &client()).await.unwrap();
    assert!(!good(&there, &made).await && !good(&world, &made).await);
    assert!(good(&there, &other).await);
    assert_eq!(world.history(actor.user).await[0], EventKind::PersonalTokenRevoked);
    let again = world.services.auth.revoke_personal_token(actor, made.token.id, &client()).await;
    assert!(matches!(again, Err(AuthError::PersonalTokenNotFound)), "{again:?}");
}

#[tokio::test]
async fn nobody_sees_or_revokes_the_tokens_of_others() {
    let world = World::new();
    let (_, _, made) = ada(&world).await;
    for other in [world.actor(&world.sign_up("bob@example.com").await).await, world.admin().await] {
        let auth = &world.services.auth;
        assert_eq!(auth.personal_tokens(other).await.unwrap(), []);
        let refused = auth.revoke_personal_token(other, made.token.id, &client()).await;
        assert!(matches!(refused, Err(AuthError::PersonalTokenNotFound)), "{refused:?}");
        assert!(!world.history(other.user).await.contains(&EventKind::PersonalTokenRevoked));
    }
    assert!(good(&world, &made).await);
}

#[tokio::test]
async fn a_token_is_over_when_its_time_is_up_and_then_forgotten() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let auth = &world.services.auth;
    let made = auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await.unwrap();
    world.clock.set(at(DAY - 1));
    assert!(good(&world, &made).await);
    let house = world.housekeeping();
    assert_eq!(house.run().await.of(Kind::PersonalTokens), 0);
    world.clock.set(at(DAY));
    assert!(!good(&world, &made).await);
    assert_eq!(auth.personal_tokens(actor).await.unwrap(), [], "it is not shown any more");
    assert_eq!(house.run().await.of(Kind::PersonalTokens), 1);
    assert_eq!(house.run().await.of(Kind::PersonalTokens), 0);
}

#[tokio::test]
async fn fifty_tokens_are_enough_and_those_that_are_over_do_not_count() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.clock.set(at(10));
    for n in 0..PERSONAL_TOKEN_LIMIT {
        stored(&world, actor.user, at(60)).await;
        stored(&world, actor.user, at(if n % 2 == 0 { 9 } else { 10 })).await;
    }
    let auth = &world.services.auth;
    let refused = auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await;
    assert!(matches!(refused, Err(AuthError::PersonalTokenLimit)), "{refused:?}");
    let shown = auth.personal_tokens(actor).await.unwrap();
    assert_eq!(shown.len(), PERSONAL_TOKEN_LIMIT);
    auth.revoke_personal_token(actor, shown[0].id, &client()).await.unwrap();
    make(&world, actor, &TokenScope::ALL).await;
}

#[tokio::test]
async fn of_many_tokens_made_at_once_no_more_are_left_than_there_may_be() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    for _ in 2..PERSONAL_TOKEN_LIMIT {
        stored(&world, actor.user, at(60)).await;
    }
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let auth = world.services.auth.clone();
            tokio::spawn(async move {
                auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await.is_ok()
            })
        })
        .collect();
    let mut made = 0;
    for attempt in attempts {
        made += u32::from(attempt.await.unwrap());
    }
    let left = world.rows.personal_tokens().list(actor.user).await.unwrap().len();
    assert_eq!((made, left), (2, PERSONAL_TOKEN_LIMIT));
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute_and_failing_to_note_it_refuses_nobody() {
    let world = World::new();
    let (_, _, made) = ada(&world).await;
    assert_eq!(last_used(&world, &made).await, None);
    for (seconds, noted) in [(1, 1), (30, 1), (60, 1), (61, 61), (120, 61), (125, 125)] {
        world.clock.set(at(seconds));
        assert!(good(&world, &made).await);
        assert_eq!(last_used(&world, &made).await, Some(at(noted)), "{seconds}");
    }
    world.clock.set(at(300));
    world.faults.fail_nth(2, StoreError::Unavailable("gone".into()));
    assert!(good(&world, &made).await);
    assert!(!world.faults.is_armed());
    assert_eq!(last_used(&world, &made).await, Some(at(125)));
    // What it was refused for is no use.
    let reads =
        make(&world, world.actor(&world.sign_up("bob@example.com").await).await, &[TokenScope::TasksRead])
            .await;
    assert!(used(&world, reads.text.expose(), TokenScope::TasksWrite).await.is_err());
    assert_eq!(last_used(&world, &reads).await, None);
    // Where the row itself cannot be read, nobody knows.
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    let refused = used(&world, made.text.expose(), TokenScope::TasksRead).await;
    assert!(matches!(refused, Err(AuthError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test]
async fn a_ban_suspends_a_token_and_a_deletion_ends_it() {
    let world = World::new();
    let (_, ada, made) = ada(&world).await;
    let admin = world.admin().await;
    let ban = BanWish { reason: None, expires_at: None };
    world.services.users.ban(admin, ada.user, ban).await.unwrap();
    assert!(!good(&world, &made).await);
    let refused = world.services.auth.authenticate(made.text.expose()).await;
    assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
    world.services.users.unban(admin, ada.user).await.unwrap();
    assert!(good(&world, &made).await, "the ban is over, and the token is not");
    let soon = BanWish { reason: None, expires_at: Some(at(5)) };
    world.services.users.ban(admin, ada.user, soon).await.unwrap();
    assert!(!good(&world, &made).await);
    world.clock.set(at(5));
    assert!(good(&world, &made).await);
    world.services.users.set_role(admin, ada.user, Role::Admin).await.unwrap();
    let actor = used(&world, made.text.expose(), TokenScope::TasksRead).await.unwrap();
    assert_eq!(actor.role, Role::User, "another role makes it neither more nor less");
    assert!(world.rows.users().delete(ada.user).await.unwrap());
    assert!(!good(&world, &made).await);
}

#[tokio::test]
async fn what_ends_all_access_ends_the_tokens_and_what_ends_a_session_does_not() {
    for (scope, stays) in [(Scope::Local, true), (Scope::Others, true), (Scope::Global, false)] {
        let world = World::new();
        let (signed_in, _, made) = ada(&world).await;
        let bearer = Some(signed_in.access.token);
        world.sign_out(SignOut { bearer, refresh_token: None, scope, client: client() }).await;
        assert_eq!(good(&world, &made).await, stays, "{scope:?}");
    }
    for (scope, stays) in [(Scope::Local, true), (Scope::Others, true), (Scope::Global, false)] {
        let world = World::new();
        world.tokens.accept_legacy_until(at(600));
        let (_, ada, made) = ada(&world).await;
        let bearer = Some(PlainTokens::legacy(ada.user, 0, at(600)));
        world.sign_out(SignOut { bearer, refresh_token: None, scope, client: client() }).await;
        assert_eq!(good(&world, &made).await, stays, "by a token of the field, {scope:?}");
    }
    for by_admin in [false, true] {
        let world = World::new();
        let (signed_in, ada, made) = ada(&world).await;
        let actor = if by_admin { world.admin().await } else { ada };
        let users = &world.services.users;
        users.end_session(actor, ada.user, signed_in.session, &client()).await.unwrap();
        assert!(good(&world, &made).await, "one session alone");
        let other = world.sign_in(ADA, PASSWORD).await.unwrap();
        let actor = if by_admin { actor } else { world.actor(&other).await };
        assert_eq!(users.end_sessions(actor, ada.user, &client()).await.unwrap(), 1);
        assert!(!good(&world, &made).await);
    }
}

#[tokio::test]
async fn another_password_ends_the_tokens() {
    let world = World::new();
    let (_, actor, made) = ada(&world).await;
    let bystander = world.actor(&world.sign_up("bob@example.com").await).await;
    let of_bystander = make(&world, bystander, &TokenScope::ALL).await;
    let new = new_password("another password", &Email::new(ADA.to_owned()).unwrap());
    let current = Password::new(PASSWORD.to_owned());
    let wish = ChangePassword { current, new, code: None, client: client() };
    world.services.auth.change_password(actor, wish).await.unwrap();
    assert!(!good(&world, &made).await && good(&world, &of_bystander).await);
}

/// What is done to the account in the very moment before the token would be stored.
#[tokio::test]
async fn a_token_that_is_being_made_does_not_outlive_what_ends_all_access() {
    for way in 0..3 {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let actor = world.actor(&signed_in).await;
        let (other, bearer) = (world.clone(), signed_in.access.token.clone());
        // tokens, account, count, counter, second factor, begin: then the account is held.
        world.faults.before_nth(6, async move {
            let other = other.beside();
            match way {
                0 => {
                    let scope = Scope::Global;
                    let bearer = Some(bearer);
                    other.sign_out(SignOut { bearer, refresh_token: None, scope, client: client() }).await;
                }
                1 => {
                    let new = new_password("another password", &Email::new(ADA.to_owned()).unwrap());
                    let current = Password::new(PASSWORD.to_owned());
                    let wish = ChangePassword { current, new, code: None, client: client() };
                    other.services.auth.change_password(actor, wish).await.unwrap();
                }
                _ => {
                    let admin = other.admin().await;
                    let ban = BanWish { reason: None, expires_at: None };
                    other.services.users.ban(admin, actor.user, ban).await.unwrap();
                }
            }
        });
        let refused =
            world.services.auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await;
        assert!(!world.faults.is_armed());
        let told = matches!(refused, Err(AuthError::TokenInvalid | AuthError::Banned));
        assert!(told, "way {way}: {refused:?}");
        assert_eq!(world.rows.personal_tokens().list(actor.user).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_session_that_is_over_makes_no_token() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.clock.set(at(0).plus(Duration::from_hours(24 * 31)));
    let refused = world.services.auth.create_personal_token(actor, wish(&TokenScope::ALL, 1, PASSWORD)).await;
    assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
}
