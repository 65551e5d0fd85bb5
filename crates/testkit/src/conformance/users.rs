//! Accounts.

use holdfast_application::{
    domain::{
        UserId,
        users::{Account, Ban, BanReason, Email, Image, PasswordHash, Role, User},
    },
    ports::{StoreError, Unique},
};

use super::Fresh;
use crate::{
    fixtures::{account, at, ends_of_time, micros},
    ids::unique,
    passwords::PlainPasswords,
};

/// A text that no other case uses.
fn tag() -> String {
    unique().simple().to_string()
}

async fn comes_back(fresh: &Fresh, account: &Account) {
    let users = fresh.store.users();
    users.insert(account).await.unwrap();
    assert_eq!(users.find(account.user.id).await.unwrap().as_ref(), Some(&account.user));
    let found = users.find_by_email(account.user.email.as_str()).await.unwrap();
    assert_eq!(found.as_ref(), Some(account));
}

async fn find(fresh: &Fresh, email: &str) -> Option<UserId> {
    fresh.store.users().find_by_email(email).await.unwrap().map(|account| account.user.id)
}

fn is_taken(inserted: &Result<(), StoreError>) -> bool {
    matches!(inserted, Err(StoreError::Duplicate(Unique::Email)))
}

/// Every field MUST come back as it went in, the e-mail address and the name as typed.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let tag = tag();
    comes_back(fresh, &account().build()).await;
    comes_back(fresh, &account().hash(None).name("").build()).await;
    let mut full = account()
        .email(&format!(" Ä𝄞é{tag}@Example.COM"))
        .name("  Ἀδα e\u{301} 👩‍💻 ")
        .role(Role::Admin)
        .hash(Some(PasswordHash::new(format!("$argon2id$v=19$m=19456,t=2,p=1${}", "A".repeat(400)))))
        .inactive()
        .banned(Ban {
            at: micros(-1),
            reason: Some(BanReason::stored("späm".into())),
            expires_at: Some(ends_of_time()[1]),
        })
        .build();
    full.user.email_verified = true;
    full.user.image = Some(Image::stored("https://example.com/".repeat(200)));
    full.user.updated_at = micros(at(1).micros() + 1);
    full.user.created_at = ends_of_time()[0];
    full.user.last_sign_in_at = Some(micros(at(2).micros() + 999_999));
    comes_back(fresh, &full).await;
    comes_back(fresh, &account().banned(Ban { at: at(1), reason: None, expires_at: None }).build()).await;
    let wordy = Ban { at: at(1), reason: Some(BanReason::stored(String::new())), expires_at: None };
    comes_back(fresh, &account().banned(wordy).name(&"ü".repeat(300)).build()).await;
    let longest = format!("{}@{}.com", "a".repeat(64), format!("{}.{tag}", "b".repeat(63)).repeat(2));
    assert!(longest.len() <= 268, "{}", longest.len());
    comes_back(fresh, &account().email(&longest[longest.len().saturating_sub(254)..]).build()).await;
    comes_back(fresh, &account().email(&format!("no address {tag}")).build()).await;
}

/// Lookups return nothing for what is not there.
pub async fn an_unknown_account_is_absent(fresh: &Fresh) {
    fresh.member().await;
    assert_eq!(fresh.store.users().find(UserId::new(unique())).await.unwrap(), None);
    assert_eq!(find(fresh, &format!("{}@example.com", tag())).await, None);
}

/// Without the exact spelling, the only account whose address is equal under `domain::text::fold` MUST be found.
pub async fn an_address_finds_its_account_in_any_case(fresh: &Fresh) {
    let tag = tag();
    let ada = account().email(&format!("Ädâ.{tag}@Example.com")).build();
    let greek = account().email(&format!("οδος.{tag}@example.com")).build();
    for account in [&ada, &greek] {
        fresh.store.users().insert(account).await.unwrap();
    }
    for spelling in ["Ädâ.{}@Example.com", "ädâ.{}@example.com", "ÄDÂ.{}@EXAMPLE.COM"] {
        assert_eq!(find(fresh, &spelling.replace("{}", &tag)).await, Some(ada.user.id), "{spelling}");
    }
    assert_eq!(find(fresh, &format!("ΟΔΟΣ.{}@example.com", tag.to_uppercase())).await, Some(greek.user.id));
    for other in
        ["A\u{308}dâ.{}@Example.com", "ada.{}@example.com", " Ädâ.{}@Example.com", "Ädâ.{}@Example.com "]
    {
        assert_eq!(find(fresh, &other.replace("{}", &tag)).await, None, "{other}");
    }
}

/// The exact spelling MUST win; … with several of those and none exact, nobody.
pub async fn the_exact_spelling_wins_and_without_it_nobody_of_several(fresh: &Fresh) {
    let Some(adopt) = &fresh.adopt else { return };
    let tag = tag();
    let first = account().email(&format!("Ada{tag}@example.com")).build();
    let second = account().email(&format!("ada{tag}@example.com")).build();
    fresh.store.users().insert(&first).await.unwrap();
    adopt.adopt(&second).await.unwrap();
    assert_eq!(find(fresh, first.user.email.as_str()).await, Some(first.user.id));
    assert_eq!(find(fresh, second.user.email.as_str()).await, Some(second.user.id));
    assert_eq!(find(fresh, &format!("ADA{tag}@example.com")).await, None);
    let third = account().email(&format!("aDa{tag}@example.com")).build();
    let third = fresh.store.users().insert(&third).await;
    assert!(is_taken(&third), "{third:?}");
}

/// An address is compared and never matched: `%` and `_` stand for themselves.
pub async fn an_address_is_no_pattern(fresh: &Fresh) {
    let tag = tag();
    let plain = account().email(&format!("a-b{tag}@example.com")).build();
    fresh.store.users().insert(&plain).await.unwrap();
    for pattern in [format!("a_b{tag}@example.com"), format!("%{tag}%"), format!("a-b{tag}%"), "%".into()] {
        assert_eq!(find(fresh, &pattern).await, None, "{pattern}");
    }
    let underscore = account().email(&format!("a_b{tag}@example.com")).build();
    fresh.store.users().insert(&underscore).await.unwrap();
    assert_eq!(find(fresh, &format!("A_B{tag}@example.com")).await, Some(underscore.user.id));
}

/// Any text may be tried at sign-in: one with U+0000, which no stored address holds, MUST find nobody and not fail.
pub async fn an_address_with_u_0000_is_nobodys(fresh: &Fresh) {
    let ada = account().build();
    fresh.store.users().insert(&ada).await.unwrap();
    let email = ada.user.email.as_str();
    for tried in [format!("{email}\0"), format!("\0{email}"), "\0".into(), String::new(), "x".repeat(20_000)]
    {
        assert_eq!(find(fresh, &tried).await, None, "{tried:?}");
    }
}

/// An address that equals another account's under `domain::text::fold` MUST be `Duplicate(Unique::Email)`.
pub async fn an_address_that_differs_in_case_alone_is_a_duplicate(fresh: &Fresh) {
    let tag = tag();
    let users = fresh.store.users();
    let ada = account().email(&format!("Ädà{tag}@example.com")).build();
    users.insert(&ada).await.unwrap();
    for spelling in ["Ädà{}@example.com", "ädà{}@example.com", "ÄDÀ{}@EXAMPLE.COM"] {
        let refused = users.insert(&account().email(&spelling.replace("{}", &tag)).build()).await;
        assert!(is_taken(&refused), "{spelling}: {refused:?}");
    }
    let decomposed = account().email(&format!("A\u{308}da\u{300}{tag}@example.com")).build();
    users.insert(&decomposed).await.unwrap();
    assert_eq!(users.find_by_email(ada.user.email.as_str()).await.unwrap(), Some(ada));
}

/// … also when both are added at the same moment: exactly one succeeds.
pub async fn one_of_many_sign_ups_with_one_address_succeeds(fresh: &Fresh) {
    let tag = tag();
    let callers: Vec<_> = (0..16)
        .map(|n| {
            let local = if n % 2 == 0 { "ada" } else { "ADA" };
            let account = account().email(&format!("{local}{tag}@example.com")).build();
            let store = fresh.store.clone();
            tokio::spawn(async move { (account.user.id, store.users().insert(&account).await) })
        })
        .collect();
    let mut made = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            (id, Ok(())) => made.push(id),
            (_, refused) => assert!(is_taken(&refused), "{refused:?}"),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(find(fresh, &format!("Ada{tag}@example.com")).await, made.pop());
}

/// Two accounts with one id MUST be `Duplicate(Unique::Id)`.
pub async fn an_id_is_taken_once(fresh: &Fresh) {
    let ada = account().build();
    fresh.store.users().insert(&ada).await.unwrap();
    let refused = fresh.store.users().insert(&account().id(ada.user.id).build()).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(Unique::Id))), "{refused:?}");
    assert_eq!(fresh.store.users().find(ada.user.id).await.unwrap(), Some(ada.user));
}

/// Notes that a password was accepted at `at`. False when there is no such account.
pub async fn a_sign_in_is_noted_and_nothing_else_changes(fresh: &Fresh) {
    let (mut ada, bob) = (account().build(), account().build());
    let users = fresh.store.users();
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    for time in [micros(at(9).micros() + 1), at(3)] {
        assert!(users.record_sign_in(ada.user.id, time).await.unwrap());
        ada.user.last_sign_in_at = Some(time);
        assert_eq!(users.find_by_email(ada.user.email.as_str()).await.unwrap().as_ref(), Some(&ada));
    }
    assert_eq!(users.find(bob.user.id).await.unwrap(), Some(bob.user));
    assert!(!users.record_sign_in(UserId::new(unique()), at(1)).await.unwrap());
}

/// It MUST change nothing and answer false when the stored hash is no longer `old`; it leaves `updated_at` alone.
pub async fn a_hash_is_replaced_only_by_who_knows_it(fresh: &Fresh) {
    let [old, new, other] = ["old", "new", "other"].map(PlainPasswords::hashed);
    let mut ada = account().hash(Some(old.clone())).build();
    let passwordless = account().hash(None).build();
    let users = fresh.store.users();
    users.insert(&ada).await.unwrap();
    users.insert(&passwordless).await.unwrap();

    assert!(users.replace_hash(ada.user.id, &old, &new).await.unwrap());
    ada.password_hash = Some(new);
    assert!(!users.replace_hash(ada.user.id, &old, &other).await.unwrap());
    assert_eq!(users.find_by_email(ada.user.email.as_str()).await.unwrap().as_ref(), Some(&ada));
    assert!(!users.replace_hash(passwordless.user.id, &old, &other).await.unwrap());
    let email = passwordless.user.email.as_str();
    assert_eq!(users.find_by_email(email).await.unwrap().as_ref(), Some(&passwordless));
    assert!(!users.replace_hash(UserId::new(unique()), &old, &other).await.unwrap());
}

/// Another hash at its time, whatever was there before, and nothing else.
pub async fn a_password_is_set_at_its_time(fresh: &Fresh) {
    let (ada, passwordless) = (account().name("Ada").build(), account().hash(None).build());
    let users = fresh.store.users();
    for account in [ada, passwordless] {
        users.insert(&account).await.unwrap();
        let id = account.user.id;
        for (password, time) in [("one", at(4)), ("another", at(5))] {
            let hash = PlainPasswords::hashed(password);
            assert!(users.set_password(id, &hash, time).await.unwrap());
            let user = User { updated_at: time, ..account.user.clone() };
            let expected = Account { user, password_hash: Some(hash) };
            assert_eq!(users.find_account(id).await.unwrap(), Some(expected));
        }
        let hash = PlainPasswords::hashed("third");
        assert!(!users.set_password(UserId::new(unique()), &hash, at(6)).await.unwrap());
        assert_ne!(users.find_account(id).await.unwrap().unwrap().password_hash, Some(hash));
    }
}

/// Of many callers that know the same hash, exactly one MUST replace it.
pub async fn one_of_many_replacements_of_a_hash_succeeds(fresh: &Fresh) {
    let old = PlainPasswords::outdated("old");
    let ada = account().hash(Some(old.clone())).build();
    fresh.store.users().insert(&ada).await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|n| {
            let (store, id, old) = (fresh.store.clone(), ada.user.id, old.clone());
            let new = PlainPasswords::hashed(&n.to_string());
            tokio::spawn(async move { (store.users().replace_hash(id, &old, &new).await.unwrap(), new) })
        })
        .collect();
    let mut replaced = Vec::new();
    for caller in callers {
        let (done, new) = caller.await.unwrap();
        replaced.extend(done.then_some(new));
    }
    assert_eq!(replaced.len(), 1);
    let stored = fresh.store.users().find_by_email(ada.user.email.as_str()).await.unwrap().unwrap();
    assert_eq!(stored.password_hash, replaced.pop());
}

/// It MUST change nothing and answer false when the account is active, has a password, or is not there. An address that
/// equals another account's under `domain::text::fold` MUST be `Duplicate(Unique::Email)`.
pub async fn a_placeholder_is_claimed_once_and_with_a_free_address_alone(fresh: &Fresh) {
    let (ada, orphan) = (account().build(), account().hash(None).inactive().build());
    let (linked, inactive) = (account().hash(None).build(), account().inactive().build());
    for account in [&ada, &orphan, &linked, &inactive] {
        fresh.store.users().insert(account).await.unwrap();
    }
    let users = fresh.store.users();
    let (hash, email) = (PlainPasswords::hashed("new"), Email::stored(format!("Eve.{}@x", tag())));
    for id in [ada.user.id, linked.user.id, inactive.user.id, UserId::new(unique())] {
        assert!(!users.claim_placeholder(id, &email, &hash, at(4)).await.unwrap());
    }
    let taken = Email::stored(ada.user.email.as_str().to_uppercase());
    let refused = users.claim_placeholder(orphan.user.id, &taken, &hash, at(4)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(Unique::Email))), "{refused:?}");
    for account in [&ada, &orphan, &linked, &inactive] {
        assert_eq!(users.find_account(account.user.id).await.unwrap().as_ref(), Some(account));
    }
    assert!(users.claim_placeholder(orphan.user.id, &email, &hash, at(5)).await.unwrap());
    let user = User { email: email.clone(), active: true, updated_at: at(5), ..orphan.user };
    let claimed = Account { user, password_hash: Some(hash.clone()) };
    assert_eq!(users.find_by_email(&email.as_str().to_lowercase()).await.unwrap(), Some(claimed));
    assert!(!users.claim_placeholder(orphan.user.id, &email, &hash, at(6)).await.unwrap());
    let late = users.insert(&account().email(&email.as_str().to_uppercase()).build()).await;
    assert!(is_taken(&late), "{late:?}");
}

/// Gives the account a role at `at`. False when there is no such account.
pub async fn a_role_is_given_at_its_time(fresh: &Fresh) {
    let (ada, bob) = (account().name("Ada").build(), account().build());
    let users = fresh.store.users();
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    for (role, time) in [(Role::Admin, at(4)), (Role::User, at(5))] {
        assert!(users.set_role(ada.user.id, role, time).await.unwrap());
        let expected = User { role, updated_at: time, ..ada.user.clone() };
        assert_eq!(users.find(ada.user.id).await.unwrap(), Some(expected));
    }
    assert_eq!(users.find(bob.user.id).await.unwrap(), Some(bob.user));
    assert!(!users.set_role(UserId::new(unique()), Role::Admin, at(6)).await.unwrap());
}

/// Notes at `at` that mail to the address is read. False when there is no such account.
pub async fn an_address_is_verified_at_its_time(fresh: &Fresh) {
    let (ada, bob) = (account().build(), account().build());
    let users = fresh.store.users();
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    for time in [at(4), at(5)] {
        assert!(users.verify_email(ada.user.id, time).await.unwrap());
        let user = User { email_verified: true, updated_at: time, ..ada.user.clone() };
        let expected = Account { user, ..ada.clone() };
        assert_eq!(users.find_account(ada.user.id).await.unwrap(), Some(expected));
    }
    assert_eq!(users.find(bob.user.id).await.unwrap(), Some(bob.user));
    assert!(!users.verify_email(UserId::new(unique()), at(6)).await.unwrap());
}

/// An address that equals another account's MUST be `Duplicate(Unique::Email)`; the account's own MUST NOT count, and the
/// one that it had MUST be free afterwards.
pub async fn an_address_is_changed_unless_another_account_has_it(fresh: &Fresh) {
    let (ada, bob) = (account().build(), account().build());
    let users = fresh.store.users();
    users.insert(&ada).await.unwrap();
    users.insert(&bob).await.unwrap();
    let taken = Email::stored(bob.user.email.as_str().to_uppercase());
    let refused = users.change_email(ada.user.id, &taken, true, at(3)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(Unique::Email))), "{refused:?}");
    assert_eq!(users.find_account(ada.user.id).await.unwrap().as_ref(), Some(&ada));

    let (old, new) = (ada.user.email.as_str().to_owned(), format!("Ärger.{}@example.com", tag()));
    for (email, email_verified, time) in
        [(old.to_uppercase(), true, at(4)), (new.clone(), false, at(5)), (new.clone(), true, at(6))]
    {
        let email = Email::stored(email);
        assert!(users.change_email(ada.user.id, &email, email_verified, time).await.unwrap());
        let user = User { email: email.clone(), email_verified, updated_at: time, ..ada.user.clone() };
        let expected = Account { user, ..ada.clone() };
        assert_eq!(users.find_by_email(&email.as_str().to_lowercase()).await.unwrap(), Some(expected));
    }
    let late = users.insert(&account().email(&new.to_uppercase()).build()).await;
    assert!(is_taken(&late), "{late:?}");
    assert_eq!(find(fresh, &old).await, None);
    users.insert(&account().email(&old).build()).await.unwrap();
    assert!(!users.change_email(UserId::new(unique()), &Email::stored(tag()), true, at(6)).await.unwrap());
}

/// … also when two accounts ask for it at the same moment: at most one gets it.
pub async fn one_of_many_changes_to_one_address_succeeds(fresh: &Fresh) {
    let wanted = Email::stored(format!("{}@example.com", tag()));
    let mut callers = Vec::new();
    for _ in 0..16 {
        let (id, store, wanted) = (fresh.member().await, fresh.store.clone(), wanted.clone());
        let change = async move { (id, store.users().change_email(id, &wanted, true, at(1)).await) };
        callers.push(tokio::spawn(change));
    }
    let mut changed = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            (id, Ok(true)) => changed.push(id),
            (_, refused) => assert!(is_taken(&refused.map(|_| ())), "the address went twice"),
        }
    }
    assert_eq!(changed.len(), 1);
    assert_eq!(find(fresh, wanted.as_str()).await, changed.pop());
}
