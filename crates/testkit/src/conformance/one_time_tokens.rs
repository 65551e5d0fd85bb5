//! What proves links in mails: which tokens are good, and for whom.

use holdfast_application::{
    domain::{
        OneTimeTokenId, Timestamp, UserId,
        users::{Email, LinkPurpose},
    },
    ports::{OneTimeToken, OneTimeTokenRepository, PendingLink, StoreError, TokenHash},
};

use super::Fresh;
use crate::{
    fixtures::{at, ends_of_time, micros, owner},
    ids::unique,
};

const PURPOSE: LinkPurpose = LinkPurpose::ResetPassword;

/// A token that no other case uses, made at the epoch and good for a minute; the `n`-th of its account.
fn token(owner: UserId, purpose: LinkPurpose, n: u128) -> OneTimeToken {
    let mut hash = [0xff; 32];
    hash[8..24].copy_from_slice(unique().as_bytes());
    let email = (purpose == LinkPurpose::ChangeEmail).then(|| Email::stored("Ädà@example.com".to_owned()));
    OneTimeToken {
        owner,
        // The nil one is no id.
        id: OneTimeTokenId::new(uuid::Uuid::from_u128(n + 1)),
        purpose,
        hash: TokenHash(hash),
        email,
        created_at: at(0),
        expires_at: at(60),
    }
}

async fn inserted(fresh: &Fresh, token: OneTimeToken) -> OneTimeToken {
    fresh.store.one_time_tokens().insert(&token).await.unwrap();
    token
}

fn tokens(fresh: &Fresh) -> &dyn OneTimeTokenRepository {
    fresh.store.one_time_tokens()
}

async fn find(fresh: &Fresh, token: &OneTimeToken, at: Timestamp) -> Option<OneTimeToken> {
    tokens(fresh).find(token.owner, token.purpose, token.hash, at).await.unwrap()
}

async fn redeem(fresh: &Fresh, token: &OneTimeToken, at: Timestamp) -> Option<OneTimeToken> {
    tokens(fresh).redeem(token.owner, token.purpose, token.hash, at).await.unwrap()
}

/// Every field MUST come back as it went in, times to the microsecond.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    let [first, last] = ends_of_time();
    let odd = |seconds| micros(at(seconds).micros() + 1);
    for (n, (created_at, expires_at)) in
        [(odd(0), odd(1)), (first, last), (at(5), last)].into_iter().enumerate()
    {
        for (m, purpose) in LinkPurpose::ALL.into_iter().enumerate() {
            let wanted = token(owner, purpose, (n * 10 + m) as u128);
            let wanted = inserted(fresh, OneTimeToken { created_at, expires_at, ..wanted }).await;
            assert_eq!(find(fresh, &wanted, created_at).await.as_ref(), Some(&wanted));
            assert_eq!(redeem(fresh, &wanted, created_at).await, Some(wanted));
        }
    }
}

/// An owner without an account MUST be `OwnerMissing`.
pub async fn a_token_needs_an_account(fresh: &Fresh) {
    let refused = tokens(fresh).insert(&token(owner(), PURPOSE, 1)).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
}

/// It MUST change nothing and answer `None` when the token is not good at that time, or has another purpose.
pub async fn a_token_is_redeemed_once_in_time_and_for_its_purpose_alone(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await, PURPOSE, 1)).await;
    for purpose in LinkPurpose::ALL.into_iter().filter(|purpose| *purpose != PURPOSE) {
        let other = OneTimeToken { purpose, ..wanted.clone() };
        assert_eq!((find(fresh, &other, at(1)).await, redeem(fresh, &other, at(1)).await), (None, None));
    }
    let mut hash = wanted.hash;
    hash.0[31] ^= 1;
    let forged = OneTimeToken { hash, ..wanted.clone() };
    assert_eq!((find(fresh, &forged, at(1)).await, redeem(fresh, &forged, at(1)).await), (None, None));
    assert_eq!((find(fresh, &wanted, at(60)).await, redeem(fresh, &wanted, at(60)).await), (None, None));
    let last = micros(at(60).micros() - 1);
    assert_eq!(find(fresh, &wanted, last).await.as_ref(), Some(&wanted));
    assert_eq!(redeem(fresh, &wanted, last).await.as_ref(), Some(&wanted));
    for time in [at(0), last, at(60)] {
        assert_eq!((find(fresh, &wanted, time).await, redeem(fresh, &wanted, time).await), (None, None));
    }
}

/// Of any number of callers at the same moment, exactly one MUST get it.
pub async fn one_of_many_redemptions_succeeds(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await, PURPOSE, 1)).await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (store, wanted) = (fresh.store.clone(), wanted.clone());
            tokio::spawn(async move {
                let OneTimeToken { owner, purpose, hash, .. } = wanted;
                store.one_time_tokens().redeem(owner, purpose, hash, at(1)).await.unwrap()
            })
        })
        .collect();
    let mut redeemed = Vec::new();
    for caller in callers {
        redeemed.extend(caller.await.unwrap());
    }
    assert_eq!(redeemed, [wanted]);
}

/// Makes every token of the account with this purpose good for nothing, and no other, whatever becomes of the newer one.
pub async fn a_superseded_token_is_void_whatever_clocks_and_ids_say(fresh: &Fresh) {
    let owner = fresh.member().await;
    let older = inserted(fresh, token(owner, PURPOSE, 7)).await;
    let other = inserted(fresh, token(owner, LinkPurpose::VerifyEmail, 2)).await;
    let stranger = inserted(fresh, token(fresh.member().await, PURPOSE, 9)).await;
    tokens(fresh).supersede(owner, PURPOSE, at(0)).await.unwrap();
    // The newer one comes from an instance whose clock is behind: an earlier time and a smaller id.
    let newer = OneTimeToken {
        created_at: at(0).minus(std::time::Duration::from_secs(5)),
        ..token(owner, PURPOSE, 3)
    };
    let newer = inserted(fresh, OneTimeToken { expires_at: at(30), ..newer }).await;
    assert_eq!((find(fresh, &older, at(1)).await, redeem(fresh, &older, at(1)).await), (None, None));
    for good in [&newer, &other, &stranger] {
        assert_eq!(find(fresh, good, at(1)).await.as_ref(), Some(good));
    }
    assert_eq!(find(fresh, &older, at(40)).await, None, "the newer one is over and followed it all the same");
    assert_eq!(redeem(fresh, &newer, at(1)).await, Some(newer));
    assert_eq!(
        redeem(fresh, &older, at(1)).await,
        None,
        "the newer one is used and followed it all the same"
    );
    assert_eq!(redeem(fresh, &stranger, at(1)).await, Some(stranger));
}

/// Makes every token of the account good for nothing.
pub async fn a_revocation_ends_every_token_of_its_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let mut of_ada = Vec::new();
    for (n, purpose) in LinkPurpose::ALL.into_iter().enumerate() {
        of_ada.push(inserted(fresh, token(ada, purpose, n as u128)).await);
    }
    let of_bob = inserted(fresh, token(bob, PURPOSE, 1)).await;
    tokens(fresh).revoke_all(ada, at(1)).await.unwrap();
    for ended in &of_ada {
        assert_eq!((find(fresh, ended, at(0)).await, redeem(fresh, ended, at(2)).await), (None, None));
    }
    assert_eq!(redeem(fresh, &of_bob, at(2)).await, Some(of_bob));
    let later = inserted(fresh, token(ada, PURPOSE, 7)).await;
    assert_eq!(redeem(fresh, &later, at(2)).await, Some(later), "what is made afterwards is good");
    tokens(fresh).revoke_all(owner(), at(3)).await.unwrap();
}

/// When tokens were made from then on, the earliest first, whatever became of them.
pub async fn what_was_issued_is_told_whatever_became_of_it(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let made = |owner, purpose, n: u64| OneTimeToken { created_at: at(n), ..token(owner, purpose, n.into()) };
    for n in [3, 1, 4, 2] {
        let token = inserted(fresh, made(ada, PURPOSE, n)).await;
        redeem(fresh, &token, at(n)).await;
    }
    inserted(fresh, made(ada, LinkPurpose::VerifyEmail, 5)).await;
    inserted(fresh, made(bob, PURPOSE, 6)).await;
    tokens(fresh).revoke_all(ada, at(9)).await.unwrap();
    let issued = async |since| tokens(fresh).issued(ada, PURPOSE, since).await.unwrap();
    assert_eq!(issued(ends_of_time()[0]).await, [at(1), at(2), at(3), at(4)]);
    assert_eq!(issued(at(3)).await, [at(3), at(4)]);
    assert_eq!(issued(micros(at(3).micros() + 1)).await, [at(4)]);
    assert_eq!(issued(at(5)).await, []);
}

/// The tokens of the account that are good at that time, the earliest first.
pub async fn the_links_that_are_good_are_told_the_earliest_first(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let [reset, verify, change] = LinkPurpose::ALL;
    let lives = |purpose, n: u64, from: u64, until: u64| OneTimeToken {
        created_at: at(from),
        expires_at: at(until),
        ..token(ada, purpose, n.into())
    };
    let change = inserted(fresh, lives(change, 1, 9, 40)).await;
    let verify = inserted(fresh, lives(verify, 2, 3, 20)).await;
    let reset = inserted(fresh, lives(reset, 3, 6, 30)).await;
    let used = inserted(fresh, lives(PURPOSE, 4, 7, 90)).await;
    redeem(fresh, &used, at(8)).await;
    inserted(fresh, token(bob, PURPOSE, 5)).await;
    let told = |token: &OneTimeToken| {
        let OneTimeToken { owner: _, id: _, purpose, hash: _, email, created_at, expires_at } = token.clone();
        PendingLink { purpose, email, created_at, expires_at }
    };
    let last = micros(at(20).micros() - 1);
    for (time, good) in [
        (at(10), vec![&verify, &reset, &change]),
        (last, vec![&verify, &reset, &change]),
        (at(20), vec![&reset, &change]),
        (at(40), vec![]),
    ] {
        let expected: Vec<_> = good.into_iter().map(told).collect();
        assert_eq!(tokens(fresh).pending(ada, time).await.unwrap(), expected, "{time}");
    }
    tokens(fresh).revoke_all(ada, at(11)).await.unwrap();
    assert_eq!(tokens(fresh).pending(ada, at(10)).await.unwrap(), []);
    assert_eq!(tokens(fresh).pending(bob, at(10)).await.unwrap().len(), 1);
}

/// Removes the tokens of the account that were over at that time, and no other.
pub async fn only_what_was_over_is_forgotten(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let until =
        |owner, n: u64, purpose| OneTimeToken { expires_at: at(n), ..token(owner, purpose, n.into()) };
    let [first, second, third] = LinkPurpose::ALL;
    inserted(fresh, until(ada, 10, first)).await;
    let kept = inserted(fresh, until(ada, 12, second)).await;
    inserted(fresh, until(ada, 11, third)).await;
    let of_bob = inserted(fresh, until(bob, 5, first)).await;
    tokens(fresh).forget(ada, at(11)).await.unwrap();
    let issued = async |owner, purpose| tokens(fresh).issued(owner, purpose, at(0)).await.unwrap().len();
    assert_eq!((issued(ada, first).await, issued(ada, second).await, issued(ada, third).await), (0, 1, 0));
    assert_eq!(find(fresh, &kept, at(11)).await, Some(kept));
    assert_eq!(find(fresh, &of_bob, at(1)).await, Some(of_bob));
}

/// No call MUST ever read or write what belongs to another account than the one it names.
pub async fn no_call_reads_or_writes_a_token_of_another_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let wanted = inserted(fresh, token(ada, PURPOSE, 1)).await;
    let stolen = OneTimeToken { owner: bob, ..wanted.clone() };
    assert_eq!((find(fresh, &stolen, at(1)).await, redeem(fresh, &stolen, at(1)).await), (None, None));
    // The same id, hash and purpose in two accounts are two tokens.
    inserted(fresh, stolen.clone()).await;
    assert_eq!(redeem(fresh, &stolen, at(1)).await, Some(stolen));
    tokens(fresh).revoke_all(bob, at(1)).await.unwrap();
    tokens(fresh).forget(bob, ends_of_time()[1]).await.unwrap();
    assert_eq!(tokens(fresh).issued(bob, PURPOSE, at(0)).await.unwrap(), []);
    assert_eq!(redeem(fresh, &wanted, at(1)).await, Some(wanted));
}

/// A unit of work that is dropped MUST roll everything back, and one that is committed MUST make it visible.
pub async fn a_redemption_is_part_of_its_unit_of_work(fresh: &Fresh) {
    let owner = fresh.member().await;
    let wanted = inserted(fresh, token(owner, PURPOSE, 1)).await;
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        let redeemed = work.one_time_tokens().redeem(owner, PURPOSE, wanted.hash, at(1)).await.unwrap();
        assert_eq!(redeemed.as_ref(), Some(&wanted));
        assert_eq!(work.one_time_tokens().redeem(owner, PURPOSE, wanted.hash, at(1)).await.unwrap(), None);
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        assert_eq!(find(fresh, &wanted, at(1)).await.is_none(), commit);
    }
}

/// What belongs to an account MUST go with it.
pub async fn a_deleted_account_takes_its_tokens_along(fresh: &Fresh) {
    let wanted = inserted(fresh, token(fresh.member().await, PURPOSE, 1)).await;
    assert!(fresh.store.users().delete(wanted.owner).await.unwrap());
    assert_eq!((find(fresh, &wanted, at(1)).await, redeem(fresh, &wanted, at(1)).await), (None, None));
    assert_eq!(tokens(fresh).issued(wanted.owner, PURPOSE, at(0)).await.unwrap(), []);
}
