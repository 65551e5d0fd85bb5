//! Personal access tokens: what is kept of them, for whom they are found, and when they go.

use holdfast_application::{
    domain::{
        PersonalTokenId, Timestamp, UserId,
        personal_tokens::{PersonalToken, TokenName, TokenScope, TokenScopes},
        users::{Ban, Role},
    },
    ports::{PersonalTokenBearer, PersonalTokenRepository, StoreError, TokenHash, Unique},
};

use super::Fresh;
use crate::{
    fixtures::{at, ends_of_time, micros, owner},
    ids::unique,
};

/// A token that no other case uses, made at the epoch and good for a minute.
fn token(owner: UserId) -> PersonalToken {
    PersonalToken {
        owner,
        id: PersonalTokenId::new(unique()),
        name: TokenName::new("nightly backup").unwrap(),
        scopes: TokenScopes::new([TokenScope::TasksRead]).unwrap(),
        created_at: at(0),
        expires_at: at(60),
        last_used_at: None,
    }
}

fn hash() -> TokenHash {
    let mut hash = [0xff; 32];
    hash[8..24].copy_from_slice(unique().as_bytes());
    TokenHash(hash)
}

fn tokens(fresh: &Fresh) -> &dyn PersonalTokenRepository {
    fresh.store.personal_tokens()
}

async fn inserted(fresh: &Fresh, token: PersonalToken) -> PersonalToken {
    tokens(fresh).insert(&token, hash()).await.unwrap();
    token
}

async fn bearer(fresh: &Fresh, token: &PersonalToken) -> Option<PersonalTokenBearer> {
    tokens(fresh).bearer(token.owner, token.id).await.unwrap()
}

async fn list(fresh: &Fresh, owner: UserId) -> Vec<PersonalToken> {
    tokens(fresh).list(owner).await.unwrap()
}

async fn last_use(fresh: &Fresh, token: &PersonalToken) -> Option<Timestamp> {
    bearer(fresh, token).await.unwrap().token.last_used_at
}

/// Every field MUST come back as it went in, times to the microsecond.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    let [first, last] = ends_of_time();
    let odd = micros(at(1).micros() + 1);
    let scopes = [vec![TokenScope::TasksRead], vec![TokenScope::TasksWrite], TokenScope::ALL.to_vec()];
    let times = [(first, last, Some(last)), (odd, odd, Some(odd)), (at(5), last, None)];
    let longest = "ü".repeat(100);
    for ((name, scopes), (created_at, expires_at, last_used_at)) in
        ["a", "Ä 'b' \"c\" \\", &longest].into_iter().zip(scopes).zip(times)
    {
        let (name, scopes) = (TokenName::new(name).unwrap(), TokenScopes::new(scopes).unwrap());
        let wanted = PersonalToken { name, scopes, created_at, expires_at, last_used_at, ..token(owner) };
        let hash = hash();
        tokens(fresh).insert(&wanted, hash).await.unwrap();
        let found = bearer(fresh, &wanted).await.unwrap();
        assert_eq!((&found.token, found.hash, found.user.id), (&wanted, hash, owner));
        assert!(list(fresh, owner).await.contains(&wanted));
    }
}

/// An owner without an account MUST be `OwnerMissing`, an id that the owner has already `Duplicate`.
pub async fn a_token_needs_an_account_and_an_id_of_its_own(fresh: &Fresh) {
    let refused = tokens(fresh).insert(&token(owner()), hash()).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
    let first = inserted(fresh, token(fresh.member().await)).await;
    let second = PersonalToken { scopes: TokenScopes::new(TokenScope::ALL).unwrap(), ..first.clone() };
    let refused = tokens(fresh).insert(&second, hash()).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(Unique::Id))), "{refused:?}");
    assert_eq!(bearer(fresh, &first).await.unwrap().token, first);
}

/// The account MUST be told as it is now.
pub async fn a_bearer_comes_with_the_account_as_it_is_now(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await)).await;
    assert_eq!(bearer(fresh, &wanted).await.unwrap().user.role, Role::User);
    let ban = Ban { at: at(9), reason: None, expires_at: None };
    let users = fresh.store.users();
    assert!(users.set_role(wanted.owner, Role::Admin, at(9)).await.unwrap());
    assert!(users.set_ban(wanted.owner, Some(&ban), at(9)).await.unwrap());
    let found = bearer(fresh, &wanted).await.unwrap().user;
    assert_eq!(Some(found.clone()), users.find(wanted.owner).await.unwrap());
    assert_eq!((found.role, found.ban), (Role::Admin, Some(ban)));
}

/// The newest MUST come first; ties MUST go by id, the larger first. Those that are over are among them.
pub async fn the_newest_tokens_come_first(fresh: &Fresh) {
    let owner = fresh.member().await;
    let mut wanted = Vec::new();
    for (seconds, n) in [(1, 3), (2, 1), (1, 5), (3, 2), (1, 4)] {
        let id = PersonalTokenId::new(uuid::Uuid::from_u128(n << 120 | 7));
        let made = PersonalToken { id, created_at: at(seconds), expires_at: at(seconds), ..token(owner) };
        wanted.push(inserted(fresh, made).await);
    }
    wanted.sort_by_key(|token| std::cmp::Reverse((token.created_at, token.id)));
    assert_eq!(list(fresh, owner).await, wanted);
}

/// A use is noted unless one was noted after `unless_after`; an earlier use MUST NOT take the place of a later one.
pub async fn a_use_is_noted_unless_a_later_one_was(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await)).await;
    let record = async |time, unless_after| {
        tokens(fresh).record_use(wanted.owner, wanted.id, time, unless_after).await.unwrap()
    };
    assert!(record(at(10), at(0)).await, "the first one is always noted");
    assert_eq!(last_use(fresh, &wanted).await, Some(at(10)));
    assert!(!record(at(20), micros(at(10).micros() - 1)).await);
    assert_eq!(last_use(fresh, &wanted).await, Some(at(10)));
    assert!(record(at(20), at(10)).await);
    assert!(!record(at(15), at(30)).await, "a clock that is behind");
    assert!(!record(at(20), at(30)).await, "the same use again");
    assert_eq!(last_use(fresh, &wanted).await, Some(at(20)));
    assert_eq!(
        bearer(fresh, &wanted).await.unwrap().token,
        PersonalToken { last_used_at: Some(at(20)), ..wanted.clone() }
    );
    let nobody = PersonalTokenId::new(unique());
    assert!(!tokens(fresh).record_use(wanted.owner, nobody, at(10), at(0)).await.unwrap());
}

/// Of any number of callers at the same moment, exactly one MUST note a use.
pub async fn one_of_many_uses_at_once_is_noted(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await)).await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (store, owner, id) = (fresh.store.clone(), wanted.owner, wanted.id);
            tokio::spawn(async move {
                store.personal_tokens().record_use(owner, id, at(61), at(1)).await.unwrap()
            })
        })
        .collect();
    let mut noted = 0;
    for caller in callers {
        noted += u32::from(caller.await.unwrap());
    }
    assert_eq!((noted, last_use(fresh, &wanted).await), (1, Some(at(61))));
}

/// A token that was removed is gone, for whoever asks after the call.
pub async fn a_removed_token_is_gone_and_no_other(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (gone, kept) = (inserted(fresh, token(owner)).await, inserted(fresh, token(owner)).await);
    assert!(tokens(fresh).delete(owner, gone.id).await.unwrap());
    assert!(!tokens(fresh).delete(owner, gone.id).await.unwrap(), "there is none any more");
    assert_eq!((bearer(fresh, &gone).await, list(fresh, owner).await), (None, vec![kept.clone()]));
    inserted(fresh, token(owner)).await;
    assert_eq!(tokens(fresh).delete_all(owner).await.unwrap(), 2);
    assert_eq!(tokens(fresh).delete_all(owner).await.unwrap(), 0);
    assert_eq!((bearer(fresh, &kept).await, list(fresh, owner).await), (None, Vec::new()));
}

/// No call but the sweep MUST ever read or write a token of another account than the one it names.
pub async fn no_call_reads_or_writes_a_token_of_another_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let wanted = inserted(fresh, token(ada)).await;
    let before = bearer(fresh, &wanted).await;
    let stolen = PersonalToken { owner: bob, ..wanted.clone() };
    assert_eq!((bearer(fresh, &stolen).await, list(fresh, bob).await), (None, Vec::new()));
    assert!(!tokens(fresh).record_use(bob, wanted.id, at(5), at(5)).await.unwrap());
    assert!(!tokens(fresh).delete(bob, wanted.id).await.unwrap());
    assert_eq!(tokens(fresh).delete_all(bob).await.unwrap(), 0);
    assert_eq!(bearer(fresh, &wanted).await, before);
    // The same id in two accounts is two tokens.
    inserted(fresh, stolen.clone()).await;
    assert_ne!(bearer(fresh, &stolen).await, before);
    assert!(tokens(fresh).record_use(bob, wanted.id, at(5), at(5)).await.unwrap());
    assert_eq!(tokens(fresh).delete_all(bob).await.unwrap(), 1);
    assert_eq!(bearer(fresh, &wanted).await, before);
}

/// A unit of work that is dropped MUST roll everything back, and one that is committed MUST make it visible.
pub async fn a_token_is_made_and_removed_with_its_unit_of_work(fresh: &Fresh) {
    let owner = fresh.member().await;
    let wanted = token(owner);
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        work.personal_tokens().insert(&wanted, hash()).await.unwrap();
        assert_eq!(work.personal_tokens().list(owner).await.unwrap(), std::slice::from_ref(&wanted));
        assert_eq!(list(fresh, owner).await, []);
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        assert_eq!(bearer(fresh, &wanted).await.is_some(), commit);
    }
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        assert!(work.personal_tokens().delete(owner, wanted.id).await.unwrap());
        assert_eq!(work.personal_tokens().bearer(owner, wanted.id).await.unwrap(), None);
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        assert_eq!(bearer(fresh, &wanted).await.is_none(), commit);
    }
}

/// A token MUST go with its owner's account.
pub async fn a_deleted_account_takes_its_personal_tokens_along(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await)).await;
    assert!(fresh.store.users().delete(wanted.owner).await.unwrap());
    assert_eq!((bearer(fresh, &wanted).await, list(fresh, wanted.owner).await), (None, Vec::new()));
}

/// One that is not over MUST stay; `limit` go at most. Long before any other case, because a sweep names no owner.
pub async fn what_is_over_is_swept_and_nothing_else(fresh: &Fresh) {
    let owner = fresh.member().await;
    let past = |seconds: u64| ends_of_time()[0].plus(std::time::Duration::from_secs(seconds));
    let until = |expires_at| PersonalToken { expires_at, created_at: past(0), ..token(owner) };
    let now = past(1_000);
    let kept = [micros(now.micros() + 1), at(60)];
    let mut wanted = Vec::new();
    for expires_at in kept {
        wanted.push(inserted(fresh, until(expires_at)).await);
    }
    for seconds in [10, 999, 1_000] {
        inserted(fresh, until(past(seconds))).await;
    }
    assert_eq!(tokens(fresh).sweep(past(9), 10).await.unwrap(), 0);
    assert_eq!(tokens(fresh).sweep(now, 2).await.unwrap(), 2);
    assert_eq!(list(fresh, owner).await.len(), 3);
    assert_eq!(tokens(fresh).sweep(now, 2).await.unwrap(), 1);
    assert_eq!(tokens(fresh).sweep(now, 2).await.unwrap(), 0);
    let mut left = list(fresh, owner).await;
    left.sort_by_key(|token| token.expires_at);
    assert_eq!(left, wanted);
}
