//! Tokens that the FastAPI backend issued: which count no more.

use holdfast_application::{
    domain::{
        UserId,
        users::{Account, Ban, User},
    },
    ports::{StoreError, TokenHash},
};

use super::Fresh;
use crate::{
    fixtures::{account, at, ends_of_time, micros, owner},
    ids::unique,
};

/// The hash of a token that no other case uses.
fn token() -> TokenHash {
    let mut hash = [0xff; 32];
    hash[8..24].copy_from_slice(unique().as_bytes());
    TokenHash(hash)
}

async fn bearer(fresh: &Fresh, user: UserId, token: TokenHash) -> Option<User> {
    fresh.store.legacy_tokens().bearer(user, token).await.unwrap()
}

async fn counts(fresh: &Fresh, user: UserId, token: TokenHash) -> bool {
    bearer(fresh, user, token).await.is_some()
}

/// The account as it is now; `None` when there is none.
pub async fn a_token_of_an_account_names_it(fresh: &Fresh) {
    let mut ada = account()
        .name("Ädà")
        .inactive()
        .banned(Ban { at: micros(at(1).micros() + 1), reason: None, expires_at: None })
        .build()
        .user;
    fresh.store.users().insert(&Account { user: ada.clone(), password_hash: None }).await.unwrap();
    assert_eq!(bearer(fresh, ada.id, token()).await.as_ref(), Some(&ada));
    fresh.store.users().record_sign_in(ada.id, at(7)).await.unwrap();
    ada.last_sign_in_at = Some(at(7));
    assert_eq!(bearer(fresh, ada.id, token()).await, Some(ada));
    assert_eq!(bearer(fresh, owner(), token()).await, None);
}

/// It MUST be `None` when this token is denied, whenever the denial may be forgotten.
pub async fn a_denied_token_counts_no_more_and_any_other_does(fresh: &Fresh) {
    let user = fresh.member().await;
    let hashes = [token(), token(), TokenHash([0; 32]), TokenHash([0xff; 32])];
    for until in [at(1), ends_of_time()[0], ends_of_time()[1], micros(at(1).micros() + 1)] {
        let denied = token();
        assert!(fresh.store.legacy_tokens().deny(user, denied, until).await.unwrap());
        assert!(!counts(fresh, user, denied).await, "{until:?}");
    }
    for hash in hashes {
        assert!(counts(fresh, user, hash).await, "{hash:?}");
        assert!(fresh.store.legacy_tokens().deny(user, hash, at(1)).await.unwrap());
        assert!(!counts(fresh, user, hash).await, "{hash:?}");
    }
}

/// It MUST answer false, and change nothing, for a token that is denied already.
pub async fn a_denial_is_new_once(fresh: &Fresh) {
    let (user, token) = (fresh.member().await, token());
    let tokens = fresh.store.legacy_tokens();
    assert!(tokens.deny(user, token, at(5)).await.unwrap());
    for until in [5, 9, 1] {
        assert!(!tokens.deny(user, token, at(until)).await.unwrap());
    }
    assert!(!counts(fresh, user, token).await);
}

/// Of any number of callers at the same moment, exactly one MUST hear true.
pub async fn one_of_many_denials_is_new(fresh: &Fresh) {
    let (user, token) = (fresh.member().await, token());
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move { store.legacy_tokens().deny(user, token, at(5)).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for caller in callers {
        new += usize::from(caller.await.unwrap());
    }
    assert_eq!(new, 1);
}

/// A user without an account MUST be `OwnerMissing`.
pub async fn a_denial_needs_an_account(fresh: &Fresh) {
    let refused = fresh.store.legacy_tokens().deny(owner(), token(), at(5)).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
}

/// It MUST be `None` when the account refuses all; a refusal MUST be new once.
pub async fn an_account_that_refuses_all_does_so_for_ever(fresh: &Fresh) {
    let (user, denied) = (fresh.member().await, token());
    let tokens = fresh.store.legacy_tokens();
    tokens.deny(user, denied, at(5)).await.unwrap();
    let before = fresh.store.users().find(user).await.unwrap();
    assert!(tokens.refuse_all(user, micros(at(3).micros() + 1)).await.unwrap());
    for time in [3, 4, 1] {
        assert!(!tokens.refuse_all(user, at(time)).await.unwrap());
    }
    assert!(!counts(fresh, user, token()).await && !counts(fresh, user, denied).await);
    assert_eq!(fresh.store.users().find(user).await.unwrap(), before, "the account itself stays as it is");
    fresh.store.users().record_sign_in(user, at(9)).await.unwrap();
    assert!(!counts(fresh, user, token()).await, "a sign-in gives nothing back");
    assert!(!tokens.refuse_all(owner(), at(3)).await.unwrap());
}

/// Of any number of callers at the same moment, exactly one MUST hear true.
pub async fn one_of_many_refusals_is_new(fresh: &Fresh) {
    let user = fresh.member().await;
    let callers: Vec<_> = (0..16)
        .map(|n| {
            let store = fresh.store.clone();
            tokio::spawn(async move { store.legacy_tokens().refuse_all(user, at(n)).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for caller in callers {
        new += usize::from(caller.await.unwrap());
    }
    assert_eq!(new, 1);
}

/// No call MUST ever read or write what belongs to another account than the one it names.
pub async fn no_call_reads_or_writes_what_belongs_to_another_account(fresh: &Fresh) {
    let (ada, bob, token) = (fresh.member().await, fresh.member().await, token());
    let tokens = fresh.store.legacy_tokens();
    tokens.deny(ada, token, at(5)).await.unwrap();
    assert!(counts(fresh, bob, token).await);
    assert!(tokens.deny(bob, token, at(5)).await.unwrap(), "the denial of another account is none");
    tokens.refuse_all(ada, at(1)).await.unwrap();
    assert!(counts(fresh, bob, self::token()).await);
    assert_eq!(bearer(fresh, bob, self::token()).await.map(|user| user.id), Some(bob));
}

/// A unit of work that is dropped MUST roll both back, and one that is committed MUST make both visible.
pub async fn denials_and_refusals_are_part_of_their_unit_of_work(fresh: &Fresh) {
    let (ada, bob, token) = (fresh.member().await, fresh.member().await, token());
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        assert!(work.legacy_tokens().deny(ada, token, at(5)).await.unwrap());
        assert!(!work.legacy_tokens().deny(ada, token, at(5)).await.unwrap());
        assert!(work.legacy_tokens().refuse_all(bob, at(5)).await.unwrap());
        assert_eq!(work.legacy_tokens().bearer(ada, token).await.unwrap(), None);
        assert_eq!(work.legacy_tokens().bearer(bob, token).await.unwrap(), None);
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        assert_eq!(counts(fresh, ada, token).await, !commit);
        assert_eq!(counts(fresh, bob, token).await, !commit);
    }
}
