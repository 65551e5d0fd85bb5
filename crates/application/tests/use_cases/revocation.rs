//! Who is let in by memory alone, how the end of a session gets there, and what holds while it may not have.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, AuthPolicy, ChangePassword, Scope, SignOut, SignedIn},
    domain::{
        SessionId, Timestamp, TokenId, UserId,
        sessions::{EndReason, EventKind, Lifetimes, SESSION_LIMIT, Session},
        users::{Email, Password, Role},
    },
    ports::{AccessClaims, Repositories as _, StoreError, Tokens as _},
    users::BanWish,
};
use holdfast_testkit::{
    FailingStore,
    fixtures::{LIFETIMES, PASSWORD, account, at, event, owner, session},
    ids::unique,
};
use tokio::sync::oneshot;

use crate::world::{ADA, POLICY, World, client, new_password};

/// Everything that ends sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    SignOut,
    SignOutOfOthers,
    SignOutEverywhere,
    Reuse,
    OwnerEndsOne,
    OwnerEndsAll,
    AdministratorEndsOne,
    AdministratorEndsAll,
    Ban,
    AnotherRole,
    Promotion,
    AnotherPassword,
    Eviction,
    Deletion,
}

const CAUSES: [Cause; 14] = [
    Cause::SignOut,
    Cause::SignOutOfOthers,
    Cause::SignOutEverywhere,
    Cause::Reuse,
    Cause::OwnerEndsOne,
    Cause::OwnerEndsAll,
    Cause::AdministratorEndsOne,
    Cause::AdministratorEndsAll,
    Cause::Ban,
    Cause::AnotherRole,
    Cause::Promotion,
    Cause::AnotherPassword,
    Cause::Eviction,
    Cause::Deletion,
];

impl Cause {
    /// Which of the first and the second session end.
    fn ends(self) -> [bool; 2] {
        match self {
            Self::SignOut
            | Self::Reuse
            | Self::OwnerEndsOne
            | Self::AdministratorEndsOne
            | Self::Eviction => [true, false],
            Self::SignOutOfOthers => [false, true],
            Self::SignOutEverywhere
            | Self::OwnerEndsAll
            | Self::AdministratorEndsAll
            | Self::Ban
            | Self::AnotherRole
            | Self::Promotion
            | Self::AnotherPassword
            | Self::Deletion => [true, true],
        }
    }

    /// Carries it out in `world`, where the sessions belong to one account.
    async fn carry_out(self, world: &World, [first, second]: [&SignedIn; 2]) {
        let users = &world.services.users;
        let (user, address) = (first.user.id, first.user.email.clone());
        match self {
            Self::SignOut => world.sign_out(sign_out(first, Scope::Local)).await,
            Self::SignOutOfOthers => world.sign_out(sign_out(first, Scope::Others)).await,
            Self::SignOutEverywhere => world.sign_out(sign_out(first, Scope::Global)).await,
            Self::Reuse => {
                world.refresh(&first.refresh.token).await.unwrap();
                assert!(world.refresh(&first.refresh.token).await.is_err());
            }
            Self::OwnerEndsOne => {
                let actor = world.actor(second).await;
                users.end_session(actor, user, first.session, &client()).await.unwrap();
            }
            Self::OwnerEndsAll => {
                let actor = world.actor(second).await;
                users.end_sessions(actor, user, &client()).await.unwrap();
            }
            Self::AdministratorEndsOne => {
                users.end_session(world.admin().await, user, first.session, &client()).await.unwrap();
            }
            Self::AdministratorEndsAll => {
                users.end_sessions(world.admin().await, user, &client()).await.unwrap();
            }
            Self::Ban => {
                let wish = BanWish { reason: None, expires_at: None };
                users.ban(world.admin().await, user, wish).await.unwrap();
            }
            Self::AnotherRole => {
                users.set_role(world.admin().await, user, Role::Admin).await.unwrap();
            }
            Self::Promotion => {
                users.create_admin(Email::stored(address.as_str().to_owned()), None).await.unwrap();
            }
            Self::AnotherPassword => {
                let new = new_password("another horse battery", &address);
                let current = Password::new(PASSWORD.to_owned());
                let wish = ChangePassword { current, new, code: None, client: client() };
                world.services.auth.change_password(world.actor(second).await, wish).await.unwrap();
            }
            Self::Eviction => evict(world, first).await,
            Self::Deletion => {
                let password = Password::new(PASSWORD.to_owned());
                users.delete_account(world.actor(second).await, &password, None, &client()).await.unwrap();
            }
        }
    }
}

/// Signs in once more than an account may, so that the session that was used first must go.
async fn evict(world: &World, first: &SignedIn) {
    for _ in 2..SESSION_LIMIT {
        let other = Session { last_used_at: at(1), ..session(first.user.id) };
        world.rows.sessions().insert(&other).await.unwrap();
    }
    world.sign_in(first.user.email.as_str(), PASSWORD).await.unwrap();
}

fn sign_out(signed_in: &SignedIn, scope: Scope) -> SignOut {
    let bearer = Some(signed_in.access.token.clone());
    SignOut { bearer, refresh_token: None, scope, client: client() }
}

/// An instance that has just learned, where a predecessor is never just replaced, and two sessions of one account.
async fn two_sessions() -> (World, SignedIn, SignedIn) {
    let world = World::with_reuse(Duration::ZERO);
    let first = world.sign_up(ADA).await;
    world.clock.set(at(1));
    let second = world.sign_in(ADA, PASSWORD).await.unwrap();
    learn(&world).await;
    (world, first, second)
}

async fn learn(world: &World) {
    world.services.auth.learn_revocations().await.unwrap();
}

/// Whether the token is accepted, and how many calls of the store it took to tell.
async fn judged(world: &World, signed_in: &SignedIn) -> (bool, usize) {
    let before = world.faults.calls();
    let admitted = world.admits(&signed_in.access.token).await;
    (admitted, world.faults.calls() - before)
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("gone".into())
}

#[tokio::test]
async fn what_ends_here_is_refused_here_at_once_and_by_memory() {
    for cause in CAUSES {
        let (world, first, second) = two_sessions().await;
        cause.carry_out(&world, [&first, &second]).await;
        for (signed_in, ended) in [&first, &second].into_iter().zip(cause.ends()) {
            // The sessions of a deleted account are gone with it, so that nobody knows which they were.
            let calls = usize::from(cause == Cause::Deletion);
            assert_eq!(judged(&world, signed_in).await, (!ended, calls), "{cause:?}");
        }
    }
}

#[tokio::test]
async fn what_ends_elsewhere_is_refused_from_the_next_poll_on() {
    for cause in CAUSES {
        let (world, first, second) = two_sessions().await;
        let elsewhere = world.beside();
        learn(&elsewhere).await;
        cause.carry_out(&world, [&first, &second]).await;
        for signed_in in [&first, &second] {
            assert_eq!(judged(&elsewhere, signed_in).await, (true, 0), "{cause:?}: nothing has told it");
        }
        learn(&elsewhere).await;
        for (signed_in, ended) in [&first, &second].into_iter().zip(cause.ends()) {
            let calls = usize::from(cause == Cause::Deletion);
            assert_eq!(judged(&elsewhere, signed_in).await, (!ended, calls), "{cause:?}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_starts_learns_of_everything_that_a_token_may_outlive() {
    for cause in CAUSES {
        let (world, first, second) = two_sessions().await;
        cause.carry_out(&world, [&first, &second]).await;
        // The long-lived token of the first session has a second left.
        world.clock.set(first.long_lived.as_ref().unwrap().expires_at.minus(Duration::from_secs(1)));
        let new = world.beside();
        let token = &first.long_lived.as_ref().unwrap().token;
        let [ended, _] = cause.ends();
        assert_eq!(new.admits(token).await, !ended, "{cause:?}, by the row");
        learn(&new).await;
        let before = new.faults.calls();
        assert_eq!(new.admits(token).await, !ended, "{cause:?}, by memory");
        assert_eq!(new.faults.calls() - before, usize::from(cause == Cause::Deletion), "{cause:?}");
    }
}

#[tokio::test]
async fn the_first_poll_reads_page_after_page() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let mut tokens = Vec::new();
    for n in 0..2_500 {
        let ended_at = at(0).minus(Duration::from_secs(n % 900));
        let ended =
            Session { ended: Some((ended_at, EndReason::SignedOut.into())), ..session(signed_in.user.id) };
        world.rows.sessions().insert(&ended).await.unwrap();
        tokens.push(token_of(&world, signed_in.user.id, ended.id));
    }
    let mut of_deleted = Vec::new();
    for n in 0..1_500 {
        let (user, deleted_at) = (owner(), at(0).minus(Duration::from_secs(n % 900)));
        world.rows.audit().append(&event(user, EventKind::AccountDeleted, deleted_at)).await.unwrap();
        of_deleted.push(token_of(&world, user, SessionId::new(unique())));
    }
    let before = world.faults.calls();
    learn(&world).await;
    assert_eq!(world.faults.calls() - before, 5, "three pages of sessions and two of accounts");
    for token in &tokens {
        assert!(!world.admits(token).await);
    }
    assert_eq!(judged(&world, &signed_in).await, (true, 0));
    assert_eq!(world.faults.calls() - before, 5);
    for token in &of_deleted {
        assert!(!world.admits(token).await);
    }
}

/// A token of this session.
fn token_of(world: &World, user: UserId, session: SessionId) -> String {
    let claims = AccessClaims {
        user,
        session,
        id: TokenId::new(unique()),
        email: ADA.to_owned(),
        name: None,
        role: Role::User,
        issued_at: at(0),
        expires_at: at(600),
    };
    world.tokens.sign_access(&claims).unwrap()
}

#[tokio::test]
async fn rows_are_read_until_the_first_poll_and_ten_seconds_after_the_last() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    assert_eq!(judged(&world, &signed_in).await, (true, 1));
    for round in 0..3 {
        world.clock.set(at(round * 100));
        learn(&world).await;
        assert!(world.services.auth.knows_revocations());
        world.clock.set(at(round * 100 + 10));
        for _ in 0..50 {
            assert_eq!(judged(&world, &signed_in).await, (true, 0));
        }
        world.clock.set(at(round * 100 + 11));
        assert!(!world.services.auth.knows_revocations());
        assert_eq!(judged(&world, &signed_in).await, (true, 1));
        world.faults.fail_next(unavailable());
        let refused = world.services.auth.authenticate(&signed_in.access.token).await;
        assert!(matches!(refused, Err(AuthError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_poll_that_fails_at_any_call_leaves_the_instance_reading_rows() {
    // sessions, accounts
    for n in 1..=2 {
        let (world, first, second) = two_sessions().await;
        let elsewhere = world.beside();
        Cause::SignOut.carry_out(&world, [&first, &second]).await;
        elsewhere.faults.fail_nth(n, unavailable());
        assert!(elsewhere.services.auth.learn_revocations().await.is_err());
        assert!(!elsewhere.faults.is_armed() && !elsewhere.services.auth.knows_revocations());
        assert!(!elsewhere.admits(&first.access.token).await);
        assert_eq!(judged(&elsewhere, &second).await, (true, 1));
        learn(&elsewhere).await;
        assert_eq!(judged(&elsewhere, &second).await, (true, 0));
    }
}

#[tokio::test]
async fn after_an_outage_the_next_poll_makes_up_for_those_that_failed() {
    let (world, first, second) = two_sessions().await;
    let elsewhere = world.beside();
    learn(&elsewhere).await;
    Cause::SignOut.carry_out(&world, [&first, &second]).await;
    for seconds in 2..600 {
        world.clock.set(at(seconds));
        elsewhere.faults.fail_next(unavailable());
        assert!(elsewhere.services.auth.learn_revocations().await.is_err());
    }
    learn(&elsewhere).await;
    assert_eq!(judged(&elsewhere, &first).await, (false, 0));
    assert_eq!(judged(&elsewhere, &second).await, (true, 0));
}

#[tokio::test]
async fn an_end_that_is_committed_long_after_its_time_is_learned() {
    let (world, first, second) = two_sessions().await;
    world.clock.set(at(100));
    learn(&world).await;
    // The clock that stamped it may have been slow as well.
    let slow = at(100).minus(Duration::from_secs(59));
    let (rows, user) = (world.rows.clone(), first.user.id);
    assert!(rows.sessions().end(user, first.session, EndReason::SignedOut, slow).await.unwrap());
    world.clock.set(at(101));
    learn(&world).await;
    assert_eq!(judged(&world, &first).await, (false, 0));
    // One that is committed between the two questions of a poll.
    let end = async move {
        rows.sessions().end(user, second.session, EndReason::SignedOut, at(50)).await.unwrap();
    };
    world.faults.before_nth(2, end);
    learn(&world).await;
    learn(&world).await;
    assert!(!world.admits(&second.access.token).await);
}

#[tokio::test]
async fn whatever_becomes_of_a_commit_the_token_is_accepted_only_while_its_session_lives() {
    let faults: [fn(&FailingStore, usize); 2] =
        [|store, n| store.fail_nth(n, unavailable()), |store, n| store.lose_answer_of_nth(n, unavailable())];
    for fault in faults {
        // session, begin, end, event, commit
        for n in 1..=5 {
            let (world, first, second) = two_sessions().await;
            fault(&world.faults, n);
            let outcome = world.services.auth.sign_out(sign_out(&first, Scope::Local)).await;
            assert!(outcome.is_err() && !world.faults.is_armed());
            let lives = world.session(&first).await.ended.is_none();
            let commit = usize::from(n == 5);
            assert_eq!(judged(&world, &first).await, (lives, commit), "call {n}");
            assert_eq!(judged(&world, &second).await, (true, 0));
            // The doubt is over once a poll would have told.
            world.clock.set(at(62));
            learn(&world).await;
            assert_eq!(judged(&world, &first).await, (lives, 0), "call {n}");
        }
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_during_the_commit_leaves_the_row_to_decide_until_it_is_done() {
    let (world, first, second) = two_sessions().await;
    let (begun, begins) = oneshot::channel();
    let (go_on, goes_on) = oneshot::channel::<()>();
    world.faults.before_nth(5, async move {
        begun.send(()).unwrap();
        goes_on.await.unwrap();
    });
    tokio::select! {
        () = world.sign_out(sign_out(&first, Scope::Local)) => unreachable!("the commit waits"),
        begun = begins => begun.unwrap(),
    }
    assert_eq!(judged(&world, &first).await, (true, 1));
    go_on.send(()).unwrap();
    let done = async {
        while judged(&world, &first).await != (false, 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), done).await.unwrap();
    assert_eq!(world.session(&first).await.ended, Some((at(1), EndReason::SignedOut.into())));
    assert_eq!(judged(&world, &second).await, (true, 0));
}

#[tokio::test]
async fn what_an_instance_has_seen_to_be_over_it_never_accepts_again() {
    let (world, first, second) = two_sessions().await;
    let elsewhere = world.beside();
    learn(&elsewhere).await;
    Cause::SignOut.carry_out(&world, [&first, &second]).await;
    // Nothing is left to end; who is told so must be out all the same.
    elsewhere.sign_out(sign_out(&first, Scope::Local)).await;
    assert_eq!(judged(&elsewhere, &first).await, (false, 0));
}

#[tokio::test]
async fn no_access_token_outlives_its_session() {
    let idle = Duration::from_mins(5);
    let world = World::with(AuthPolicy { sessions: Lifetimes { idle, ..LIFETIMES }, ..POLICY });
    let ada = account().build();
    world.insert(&ada).await;
    let begun = world.sign_in(ada.user.email.as_str(), PASSWORD).await.unwrap();
    assert_eq!(begun.access.expires_at, world.session(&begun).await.expires_at());
    world.clock.set(at(14 * 60));
    let refreshed = world.refresh(&begun.refresh.token).await.unwrap();
    let ends_at: Timestamp = world.session(&begun).await.expires_at();
    assert_eq!((refreshed.access.expires_at, ends_at), (at(19 * 60), at(19 * 60)));
    learn(&world).await;
    world.clock.set(ends_at);
    learn(&world).await;
    assert!(!world.admits(&refreshed.access.token).await);
}
