//! Second factors: when one counts, that a code is accepted once, and whose recovery codes are whose.

use holdfast_application::{
    domain::{Timestamp, UserId, second_factors::TimeStep},
    ports::{Sealed, SecondFactor, SecondFactorRepository, StoreError, TokenHash},
};

use super::Fresh;
use crate::fixtures::{at, ends_of_time, micros, owner};

/// How many callers try at the same moment.
const CALLERS: usize = 16;

fn factors(fresh: &Fresh) -> &dyn SecondFactorRepository {
    fresh.store.second_factors()
}

fn pending(owner: UserId, created_at: Timestamp) -> SecondFactor {
    let secret = Sealed { key_id: "k1".to_owned(), ciphertext: vec![0, 0xff, 7] };
    SecondFactor { owner, secret, created_at, confirmed_at: None, last_step: None }
}

async fn enrolled(fresh: &Fresh, owner: UserId) -> SecondFactor {
    let factor = pending(owner, at(1));
    assert!(factors(fresh).enrol(&factor).await.unwrap());
    factor
}

/// One that counts since `at(2)`, with 5 as its last period.
async fn confirmed(fresh: &Fresh, owner: UserId) -> SecondFactor {
    let factor = enrolled(fresh, owner).await;
    assert!(factors(fresh).confirm(owner, at(1), TimeStep::new(5), at(2)).await.unwrap());
    SecondFactor { confirmed_at: Some(at(2)), last_step: Some(TimeStep::new(5)), ..factor }
}

async fn find(fresh: &Fresh, owner: UserId) -> Option<SecondFactor> {
    factors(fresh).find(owner).await.unwrap()
}

async fn accept(fresh: &Fresh, owner: UserId, step: i64) -> bool {
    factors(fresh).accept(owner, at(1), TimeStep::new(step)).await.unwrap()
}

fn hashes(n: u8) -> Vec<TokenHash> {
    (0..n).map(|n| TokenHash([n; 32])).collect()
}

async fn left(fresh: &Fresh, owner: UserId) -> u64 {
    factors(fresh).recovery_codes_left(owner).await.unwrap()
}

async fn redeem(fresh: &Fresh, owner: UserId, code: TokenHash) -> bool {
    factors(fresh).redeem_recovery_code(owner, code).await.unwrap()
}

/// Every field MUST come back as it went in, times to the microsecond.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let [first, last] = ends_of_time();
    for created_at in [first, last, micros(at(3).micros() + 1)] {
        let owner = fresh.member().await;
        assert_eq!(find(fresh, owner).await, None);
        let factor = pending(owner, created_at);
        assert!(factors(fresh).enrol(&factor).await.unwrap());
        assert_eq!(find(fresh, owner).await.as_ref(), Some(&factor));
        let step = TimeStep::new(i64::MAX - 1);
        assert!(factors(fresh).confirm(owner, created_at, step, created_at).await.unwrap());
        let counts = SecondFactor { confirmed_at: Some(created_at), last_step: Some(step), ..factor };
        assert_eq!(find(fresh, owner).await, Some(counts));
    }
}

/// A pending factor takes the place of an earlier pending one; it MUST change nothing where one counts already, and an owner
/// without an account MUST be `OwnerMissing`.
pub async fn an_enrolment_replaces_a_pending_one_and_none_that_counts(fresh: &Fresh) {
    let owner_of_one = fresh.member().await;
    enrolled(fresh, owner_of_one).await;
    let other = SecondFactor {
        secret: Sealed { key_id: "k2".to_owned(), ciphertext: vec![1] },
        ..pending(owner_of_one, at(9))
    };
    assert!(factors(fresh).enrol(&other).await.unwrap());
    assert_eq!(find(fresh, owner_of_one).await.as_ref(), Some(&other));
    assert!(!factors(fresh).confirm(owner_of_one, at(1), TimeStep::new(5), at(2)).await.unwrap());
    assert_eq!(find(fresh, owner_of_one).await.as_ref(), Some(&other));
    assert!(factors(fresh).confirm(owner_of_one, at(9), TimeStep::new(5), at(10)).await.unwrap());
    let counts = find(fresh, owner_of_one).await;
    assert!(!factors(fresh).enrol(&pending(owner_of_one, at(20))).await.unwrap());
    assert_eq!(find(fresh, owner_of_one).await, counts);
    let refused = factors(fresh).enrol(&pending(owner(), at(1))).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
}

/// It MUST change nothing where there is no pending one, and of many confirmations one succeeds.
pub async fn a_factor_is_confirmed_once(fresh: &Fresh) {
    let owner = fresh.member().await;
    assert!(!factors(fresh).confirm(owner, at(1), TimeStep::new(5), at(2)).await.unwrap());
    let counts = confirmed(fresh, owner).await;
    assert!(!factors(fresh).confirm(owner, at(1), TimeStep::new(7), at(3)).await.unwrap());
    assert_eq!(find(fresh, owner).await, Some(counts));
}

/// It MUST change nothing unless the factor counts, is that one, and the period is later than the last.
pub async fn a_period_is_accepted_once_and_only_after_the_last(fresh: &Fresh) {
    let owner = fresh.member().await;
    assert!(!accept(fresh, owner, 6).await);
    enrolled(fresh, owner).await;
    assert!(!accept(fresh, owner, 6).await, "it is pending");
    assert!(factors(fresh).confirm(owner, at(1), TimeStep::new(5), at(2)).await.unwrap());
    for (step, accepted) in [(4, false), (5, false), (7, true), (7, false), (6, false), (8, true)] {
        assert_eq!(accept(fresh, owner, step).await, accepted, "{step}");
    }
    assert!(!factors(fresh).accept(owner, at(3), TimeStep::new(9)).await.unwrap(), "another enrolment");
    assert_eq!(find(fresh, owner).await.unwrap().last_step, Some(TimeStep::new(8)));
}

/// Of any number of callers at the same moment with one period, exactly one MUST succeed.
pub async fn one_of_many_acceptances_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    confirmed(fresh, owner).await;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let work = store.begin().await.unwrap();
                let accepted = work.second_factors().accept(owner, at(1), TimeStep::new(6)).await.unwrap();
                work.commit().await.unwrap();
                accepted
            })
        })
        .collect();
    let mut accepted = 0;
    for caller in callers {
        accepted += usize::from(caller.await.unwrap());
    }
    assert_eq!(accepted, 1);
}

/// It MUST change nothing where another secret is stored.
pub async fn a_secret_is_sealed_anew_only_by_who_knows_it(fresh: &Fresh) {
    let owner = fresh.member().await;
    let counts = confirmed(fresh, owner).await;
    let new = Sealed { key_id: "k2".to_owned(), ciphertext: vec![9; 48] };
    let other = Sealed { key_id: "k2".to_owned(), ..counts.secret.clone() };
    assert!(!factors(fresh).reseal(owner, &other, &new).await.unwrap());
    assert_eq!(find(fresh, owner).await.as_ref(), Some(&counts));
    assert!(factors(fresh).reseal(owner, &counts.secret, &new).await.unwrap());
    assert!(!factors(fresh).reseal(owner, &counts.secret, &other).await.unwrap());
    assert_eq!(find(fresh, owner).await, Some(SecondFactor { secret: new, ..counts }));
}

/// It MUST answer false for a code that the account does not have, or not any more; codes MUST go with the factor.
pub async fn a_recovery_code_is_used_once_and_goes_with_its_factor(fresh: &Fresh) {
    let owner = fresh.member().await;
    let refused = factors(fresh).insert_recovery_codes(owner, &hashes(1)).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
    confirmed(fresh, owner).await;
    let codes = hashes(10);
    factors(fresh).insert_recovery_codes(owner, &codes).await.unwrap();
    assert_eq!(left(fresh, owner).await, 10);
    assert!(redeem(fresh, owner, codes[3]).await);
    assert!(!redeem(fresh, owner, codes[3]).await);
    assert!(!redeem(fresh, owner, TokenHash([0xee; 32])).await);
    assert_eq!(left(fresh, owner).await, 9);
    factors(fresh).remove_recovery_codes(owner).await.unwrap();
    assert!(!redeem(fresh, owner, codes[4]).await);
    factors(fresh).insert_recovery_codes(owner, &codes[4..6]).await.unwrap();
    assert!(factors(fresh).remove(owner).await.unwrap());
    assert!(!factors(fresh).remove(owner).await.unwrap());
    assert_eq!((find(fresh, owner).await, left(fresh, owner).await), (None, 0));
    assert!(!redeem(fresh, owner, codes[5]).await);
}

/// Of any number of callers at the same moment, exactly one MUST succeed.
pub async fn one_of_many_redemptions_of_a_recovery_code_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    confirmed(fresh, owner).await;
    let code = TokenHash([7; 32]);
    factors(fresh).insert_recovery_codes(owner, &[code]).await.unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(
                async move { store.second_factors().redeem_recovery_code(owner, code).await.unwrap() },
            )
        })
        .collect();
    let mut redeemed = 0;
    for caller in callers {
        redeemed += usize::from(caller.await.unwrap());
    }
    assert_eq!(redeemed, 1);
}

/// No call MUST ever read or write what belongs to another account than the one it names.
pub async fn no_call_reads_or_writes_a_factor_of_another_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let of_ada = confirmed(fresh, ada).await;
    let code = TokenHash([7; 32]);
    factors(fresh).insert_recovery_codes(ada, &[code]).await.unwrap();
    assert_eq!((find(fresh, bob).await, left(fresh, bob).await), (None, 0));
    assert!(!redeem(fresh, bob, code).await && !accept(fresh, bob, 9).await);
    confirmed(fresh, bob).await;
    factors(fresh).insert_recovery_codes(bob, &[code]).await.unwrap();
    assert!(accept(fresh, bob, 9).await && redeem(fresh, bob, code).await);
    factors(fresh).remove_recovery_codes(bob).await.unwrap();
    assert!(factors(fresh).remove(bob).await.unwrap());
    assert_eq!((find(fresh, ada).await, left(fresh, ada).await), (Some(of_ada), 1));
    assert!(redeem(fresh, ada, code).await);
}

/// A unit of work that is dropped MUST roll everything back, and one that is committed MUST make it visible.
pub async fn an_acceptance_is_part_of_its_unit_of_work(fresh: &Fresh) {
    let owner = fresh.member().await;
    confirmed(fresh, owner).await;
    let code = TokenHash([7; 32]);
    factors(fresh).insert_recovery_codes(owner, &[code]).await.unwrap();
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        let within = work.second_factors();
        assert!(within.accept(owner, at(1), TimeStep::new(6)).await.unwrap());
        assert!(!within.accept(owner, at(1), TimeStep::new(6)).await.unwrap());
        assert!(within.redeem_recovery_code(owner, code).await.unwrap());
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        let found = (find(fresh, owner).await.unwrap().last_step, left(fresh, owner).await);
        assert_eq!(found, if commit { (Some(TimeStep::new(6)), 0) } else { (Some(TimeStep::new(5)), 1) });
    }
}

/// What belongs to an account MUST go with it.
pub async fn a_deleted_account_takes_its_factor_along(fresh: &Fresh) {
    let owner = fresh.member().await;
    confirmed(fresh, owner).await;
    factors(fresh).insert_recovery_codes(owner, &hashes(2)).await.unwrap();
    assert!(fresh.store.users().delete(owner).await.unwrap());
    assert_eq!((find(fresh, owner).await, left(fresh, owner).await), (None, 0));
}
