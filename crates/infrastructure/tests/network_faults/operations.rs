//! One call of every method of every port of storage. What it answers is printed and compared; what concerns other rows, too,
//! says no more than that it succeeded.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use holdfast_application::{
    Patch,
    domain::{
        sessions::EndReason,
        tasks::Title,
        throttle::Limits,
        users::{Ban, Email, Name, PasswordHash, Role},
    },
    ports::{
        Direction, ProfileChanges, SecondFactor, SortBy, Start, Store, StoreError, TaskChanges, TaskFilter,
        TaskOrder, TaskQuery, UserFilter, UserQuery,
    },
};
use holdfast_testkit::fixtures;

use crate::rows::{HASH, OTHER_HASH, Rows, STEP, network, never, now, sealed};

type Run = fn(Arc<dyn Store>, Rows) -> BoxFuture<'static, Result<String, StoreError>>;

/// Something that is asked of the store.
pub(crate) struct Operation {
    /// `Trait::method`.
    pub(crate) name: &'static str,
    /// Tells the answer.
    pub(crate) run: Run,
}

macro_rules! operations {
    ($($name:literal: |$store:ident, $rows:ident| $answer:expr;)+) => {
        /// All of them.
        pub(crate) fn operations() -> Vec<Operation> {
            vec![$(Operation {
                name: $name,
                run: |$store: Arc<dyn Store>, $rows: Rows| {
                    async move {
                        let answer = $answer;
                        Ok(format!("{answer:?} of {}", $rows.owner()))
                    }
                    .boxed()
                },
            }),+]
        }
    };
}

operations! {
    "Store::ping": |store, rows| store.ping().await?;
    // What a server on the network can do is told by whether it answers.
    "Store::check_writes": |store, rows| {
        store.ping().await?;
        store.check_writes().await.map_err(|outage| StoreError::Unavailable(Box::new(outage)))?;
    };
    "Store::begin": |store, rows| drop(store.begin().await?);
    "UnitOfWork::commit": |store, rows| {
        let work = store.begin().await?;
        work.tasks().insert(&rows.new_task).await?;
        work.audit().append(&rows.event).await?;
        work.commit().await?;
    };

    "TaskRepository::find": |store, rows| store.tasks().find(rows.owner(), rows.task.id).await?;
    "TaskRepository::list": |store, rows| {
        let order = TaskOrder { by: SortBy::CreatedAt, direction: Direction::Descending };
        let query = TaskQuery { filter: TaskFilter::default(), order, start: Start::Offset(0), limit: 50 };
        store.tasks().list(rows.owner(), &query).await?
    };
    "TaskRepository::count": |store, rows| store.tasks().count(rows.owner(), &TaskFilter::default()).await?;
    "TaskRepository::insert": |store, rows| store.tasks().insert(&rows.new_task).await?;
    "TaskRepository::update": |store, rows| {
        let title = Some(Title::stored("Changed".to_owned()));
        let changes = TaskChanges { title, ..TaskChanges::default() };
        store.tasks().update(rows.owner(), rows.task.id, &changes, None, now()).await?
    };
    "TaskRepository::delete": |store, rows| store.tasks().delete(rows.owner(), rows.task.id, None).await?;

    "UserRepository::find": |store, rows| store.users().find(rows.owner()).await?;
    "UserRepository::find_account": |store, rows| store.users().find_account(rows.owner()).await?;
    "UserRepository::find_by_email": |store, rows| {
        store.users().find_by_email(rows.account.user.email.as_str()).await?
    };
    "UserRepository::lock": |store, rows| {
        let work = store.begin().await?;
        let held = work.users().lock(rows.owner()).await?;
        work.commit().await?;
        held
    };
    "UserRepository::lock_admins": |store, rows| {
        let work = store.begin().await?;
        work.users().lock_admins().await?;
        work.commit().await?;
    };
    "UserRepository::list": |store, rows| {
        drop(store.users().list(UserQuery { filter: everybody(), behind: None, offset: 0, limit: 2 }).await?);
    };
    "UserRepository::count": |store, rows| store.users().count(everybody()).await? > 0;
    "UserRepository::insert": |store, rows| store.users().insert(&rows.newcomer).await?;
    "UserRepository::record_sign_in": |store, rows| store.users().record_sign_in(rows.owner(), now()).await?;
    "UserRepository::replace_hash": |store, rows| {
        let old = rows.account.password_hash.clone().unwrap();
        store.users().replace_hash(rows.owner(), &old, &another_hash()).await?
    };
    "UserRepository::set_password": |store, rows| {
        store.users().set_password(rows.owner(), &another_hash(), now()).await?
    };
    "UserRepository::claim_placeholder": |store, rows| {
        let (id, email) = (rows.placeholder.user.id, another_address(&rows));
        store.users().claim_placeholder(id, &email, &another_hash(), now()).await?
    };
    "UserRepository::verify_email": |store, rows| store.users().verify_email(rows.owner(), now()).await?;
    "UserRepository::change_email": |store, rows| {
        store.users().change_email(rows.owner(), &another_address(&rows), true, now()).await?
    };
    "UserRepository::set_role": |store, rows| {
        store.users().set_role(rows.owner(), Role::Admin, now()).await?
    };
    "UserRepository::update": |store, rows| {
        let name = Patch::Set(Name::stored("Ada".to_owned()));
        let changes = ProfileChanges { name, ..ProfileChanges::default() };
        store.users().update(rows.owner(), &changes, now()).await?
    };
    "UserRepository::set_ban": |store, rows| {
        let ban = Ban { at: now(), reason: None, expires_at: None };
        store.users().set_ban(rows.owner(), Some(&ban), now()).await?
    };
    "UserRepository::delete": |store, rows| store.users().delete(rows.owner()).await?;
    "UserRepository::linked_accounts": |store, rows| store.users().linked_accounts(rows.owner()).await?;

    "SessionRepository::find": |store, rows| store.sessions().find(rows.owner(), rows.session.id).await?;
    "SessionRepository::list": |store, rows| store.sessions().list(rows.owner(), None, 10).await?;
    "SessionRepository::live": |store, rows| store.sessions().live(rows.owner(), now(), 10).await?;
    "SessionRepository::insert": |store, rows| store.sessions().insert(&rows.new_session).await?;
    "SessionRepository::rotate": |store, rows| store.sessions().rotate(&rows.rotation()).await?;
    "SessionRepository::end": |store, rows| {
        store.sessions().end(rows.owner(), rows.session.id, EndReason::SignedOut, now()).await?
    };
    "SessionRepository::end_all": |store, rows| {
        store.sessions().end_all(rows.owner(), None, EndReason::Banned, now()).await?
    };
    "SessionRepository::end_surplus": |store, rows| {
        store.sessions().end_surplus(rows.owner(), 0, now()).await?
    };
    "SessionRepository::sweep": |store, rows| store.sessions().sweep(never(), 10).await?;
    "SessionRepository::ended": |store, rows| drop(store.sessions().ended(never(), None, 5).await?);

    "AuditRepository::append": |store, rows| store.audit().append(&rows.event).await?;
    "AuditRepository::latest": |store, rows| store.audit().latest(rows.owner(), None, 10).await?;
    "AuditRepository::sweep": |store, rows| store.audit().sweep(never(), 10).await?;
    "AuditRepository::between": |store, rows| {
        drop(store.audit().between(never()..fixtures::at(2_000), None, 5).await?);
    };
    "AuditRepository::deletions": |store, rows| drop(store.audit().deletions(never(), None, 5).await?);

    "IdempotencyRepository::find": |store, rows| {
        store.idempotency().find(rows.owner(), &rows.kept.key, never()).await?
    };
    "IdempotencyRepository::claim": |store, rows| store.idempotency().claim(&rows.new_key, never()).await?;
    "IdempotencyRepository::sweep": |store, rows| store.idempotency().sweep(never(), 10).await?;

    "LegacyTokenRepository::bearer": |store, rows| store.legacy_tokens().bearer(rows.owner(), HASH).await?;
    "LegacyTokenRepository::deny": |store, rows| {
        store.legacy_tokens().deny(rows.owner(), HASH, fixtures::at(1_000)).await?
    };
    "LegacyTokenRepository::sweep": |store, rows| store.legacy_tokens().sweep(never(), 10).await?;
    "LegacyTokenRepository::refuse_all": |store, rows| {
        store.legacy_tokens().refuse_all(rows.owner(), now()).await?
    };

    "OneTimeTokenRepository::insert": |store, rows| store.one_time_tokens().insert(&rows.new_link).await?;
    "OneTimeTokenRepository::issued": |store, rows| {
        store.one_time_tokens().issued(rows.owner(), rows.link.purpose, never()).await?
    };
    "OneTimeTokenRepository::pending": |store, rows| {
        store.one_time_tokens().pending(rows.owner(), now()).await?
    };
    "OneTimeTokenRepository::find": |store, rows| {
        store.one_time_tokens().find(rows.owner(), rows.link.purpose, HASH, now()).await?
    };
    "OneTimeTokenRepository::redeem": |store, rows| {
        store.one_time_tokens().redeem(rows.owner(), rows.link.purpose, HASH, now()).await?
    };
    "OneTimeTokenRepository::supersede": |store, rows| {
        store.one_time_tokens().supersede(rows.owner(), rows.link.purpose, now()).await?;
    };
    "OneTimeTokenRepository::sweep": |store, rows| store.one_time_tokens().sweep(never(), 10).await?;
    "OneTimeTokenRepository::revoke_all": |store, rows| {
        store.one_time_tokens().revoke_all(rows.owner(), now()).await?;
    };
    "OneTimeTokenRepository::forget": |store, rows| {
        store.one_time_tokens().forget(rows.owner(), fixtures::at(2_000)).await?;
    };

    "PersonalTokenRepository::insert": |store, rows| {
        store.personal_tokens().insert(&rows.new_token, OTHER_HASH).await?;
    };
    "PersonalTokenRepository::bearer": |store, rows| {
        store.personal_tokens().bearer(rows.owner(), rows.token.id).await?
    };
    "PersonalTokenRepository::list": |store, rows| store.personal_tokens().list(rows.owner()).await?;
    "PersonalTokenRepository::record_use": |store, rows| {
        store.personal_tokens().record_use(rows.owner(), rows.token.id, now(), never()).await?
    };
    "PersonalTokenRepository::delete": |store, rows| {
        store.personal_tokens().delete(rows.owner(), rows.token.id).await?
    };
    "PersonalTokenRepository::delete_all": |store, rows| {
        store.personal_tokens().delete_all(rows.owner()).await?
    };
    "PersonalTokenRepository::sweep": |store, rows| store.personal_tokens().sweep(never(), 10).await?;

    "SecondFactorRepository::find": |store, rows| store.second_factors().find(rows.owner()).await?;
    "SecondFactorRepository::enrol": |store, rows| {
        let factor = SecondFactor { owner: rows.placeholder.user.id, ..rows.factor.clone() };
        store.second_factors().enrol(&factor).await?
    };
    "SecondFactorRepository::confirm": |store, rows| {
        let owner = rows.hesitant.user.id;
        store.second_factors().confirm(owner, rows.factor.created_at, STEP, now()).await?
    };
    "SecondFactorRepository::accept": |store, rows| {
        let later = holdfast_application::domain::second_factors::TimeStep::new(STEP.number() + 1);
        store.second_factors().accept(rows.owner(), rows.factor.created_at, later).await?
    };
    "SecondFactorRepository::reseal": |store, rows| {
        store.second_factors().reseal(rows.owner(), &rows.factor.secret, &sealed(2)).await?
    };
    "SecondFactorRepository::remove": |store, rows| store.second_factors().remove(rows.owner()).await?;
    "SecondFactorRepository::insert_recovery_codes": |store, rows| {
        store.second_factors().insert_recovery_codes(rows.owner(), &[OTHER_HASH]).await?;
    };
    "SecondFactorRepository::remove_recovery_codes": |store, rows| {
        store.second_factors().remove_recovery_codes(rows.owner()).await?;
    };
    "SecondFactorRepository::redeem_recovery_code": |store, rows| {
        store.second_factors().redeem_recovery_code(rows.owner(), HASH).await?
    };
    "SecondFactorRepository::recovery_codes_left": |store, rows| {
        store.second_factors().recovery_codes_left(rows.owner()).await?
    };

    "LeaseRepository::take": |store, rows| {
        let (name, holder) = (rows.owner().to_string(), rows.owner().uuid());
        store.leases().take(&name, holder, now(), later()).await?
    };
    "LeaseRepository::give_back": |store, rows| {
        let (name, holder) = (rows.owner().to_string(), rows.owner().uuid());
        store.leases().give_back(&name, holder).await?;
    };

    "ThrottleRepository::count": |store, rows| {
        store.throttle().count(rows.principal(), &network(), &Limits::DEFAULT, later()).await?
    };
    "ThrottleRepository::find": |store, rows| store.throttle().find(rows.principal(), &network()).await?;
    "ThrottleRepository::fail": |store, rows| {
        let counted = store.throttle().find(rows.principal(), &network()).await?;
        store.throttle().fail(rows.principal(), &network(), &counted).await?;
    };
    "ThrottleRepository::give_back": |store, rows| {
        let counted = store.throttle().find(rows.principal(), &network()).await?;
        store.throttle().give_back(rows.principal(), &network(), &counted, later()).await?;
    };
    "ThrottleRepository::clear": |store, rows| {
        store.throttle().clear(rows.principal(), &network(), later()).await?;
    };
    "ThrottleRepository::forget": |store, rows| store.throttle().forget(rows.principal()).await?;
    "ThrottleRepository::sweep": |store, rows| store.throttle().sweep(never(), 10).await?;
}

fn later() -> holdfast_application::domain::Timestamp {
    now().plus(Duration::from_secs(1))
}

fn everybody() -> UserFilter {
    UserFilter { role: None, banned: None, active: None, email_prefix: None, at: now() }
}

fn another_hash() -> PasswordHash {
    PasswordHash::new("another hash".to_owned())
}

/// One that is known to be these rows'.
fn another_address(rows: &Rows) -> Email {
    rows.newcomer.user.email.clone()
}
