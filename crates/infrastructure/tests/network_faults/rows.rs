//! The rows that one call works on, its own alone; and a text that says all there is about them, the same for each such set.

use holdfast_application::{
    domain::{
        OneTimeTokenId, PersonalTokenId, Timestamp, TokenId, UserId,
        personal_tokens::{PersonalToken, TokenName, TokenScopes},
        second_factors::TimeStep,
        sessions::{AuthEvent, Client, EventKind, Rotation, Session},
        tasks::Task,
        throttle::{Limits, Network, Principal},
        users::{Account, LinkPurpose},
    },
    idempotency::{Fingerprint, IdempotencyKey, KeptAnswer},
    ports::{IdempotencyRecord, OneTimeToken, Sealed, SecondFactor, Store, TokenHash},
};
use holdfast_testkit::{fixtures, ids::unique};

/// When the calls are made.
pub(crate) fn now() -> Timestamp {
    fixtures::at(10)
}

/// Before everything: nothing is so old that it is forgotten.
pub(crate) fn never() -> Timestamp {
    fixtures::epoch()
}

/// What is there already, and (`new_…`, `newcomer`) what is not yet.
#[derive(Clone)]
pub(crate) struct Rows {
    pub(crate) account: Account,
    /// Its second factor is pending.
    pub(crate) hesitant: Account,
    /// Inactive and without a password.
    pub(crate) placeholder: Account,
    pub(crate) newcomer: Account,
    pub(crate) task: Task,
    pub(crate) new_task: Task,
    pub(crate) session: Session,
    pub(crate) new_session: Session,
    pub(crate) next: TokenId,
    pub(crate) event: AuthEvent,
    pub(crate) link: OneTimeToken,
    pub(crate) new_link: OneTimeToken,
    pub(crate) kept: IdempotencyRecord,
    pub(crate) new_key: IdempotencyRecord,
    pub(crate) token: PersonalToken,
    pub(crate) new_token: PersonalToken,
    pub(crate) factor: SecondFactor,
}

/// The same for everybody: what it proves is told by its owner.
pub(crate) const HASH: TokenHash = TokenHash([7; 32]);
pub(crate) const OTHER_HASH: TokenHash = TokenHash([8; 32]);
pub(crate) const STEP: TimeStep = TimeStep::new(5);

pub(crate) fn network() -> Network {
    Network::of(&Client { ip_prefix: Some("192.0.2.0/24".to_owned()), ..Client::default() })
}

pub(crate) fn sealed(secret: u8) -> Sealed {
    Sealed { key_id: "k1".to_owned(), ciphertext: vec![secret; 16] }
}

fn link(owner: UserId, hash: TokenHash) -> OneTimeToken {
    OneTimeToken {
        owner,
        id: OneTimeTokenId::new(unique()),
        purpose: LinkPurpose::ResetPassword,
        hash,
        email: None,
        created_at: fixtures::at(5),
        expires_at: fixtures::at(1_000),
    }
}

fn kept(owner: UserId, key: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        owner,
        key: IdempotencyKey::new(key.to_owned()).unwrap(),
        fingerprint: Fingerprint([1; 32]),
        answer: KeptAnswer { status: 201, location: None, etag: None, body: b"{}".to_vec() },
        created_at: fixtures::at(5),
    }
}

fn token(owner: UserId) -> PersonalToken {
    PersonalToken {
        owner,
        id: PersonalTokenId::new(unique()),
        name: TokenName::stored("script".to_owned()),
        scopes: TokenScopes::stored("tasks:read"),
        created_at: fixtures::at(5),
        expires_at: fixtures::at(1_000_000),
        last_used_at: None,
    }
}

impl Rows {
    pub(crate) async fn new(store: &dyn Store) -> Self {
        let account = fixtures::account().build();
        let owner = account.user.id;
        let rows = Self {
            hesitant: fixtures::account().build(),
            placeholder: fixtures::account().inactive().hash(None).build(),
            newcomer: fixtures::account().build(),
            task: fixtures::task(owner).build(),
            new_task: fixtures::task(owner).build(),
            session: fixtures::session(owner),
            new_session: fixtures::session(owner),
            next: TokenId::new(unique()),
            event: fixtures::event(owner, EventKind::SignedIn, now()),
            link: link(owner, HASH),
            new_link: link(owner, OTHER_HASH),
            kept: kept(owner, "kept"),
            new_key: kept(owner, "new"),
            token: token(owner),
            new_token: token(owner),
            factor: SecondFactor {
                owner,
                secret: sealed(1),
                created_at: fixtures::at(5),
                confirmed_at: None,
                last_step: None,
            },
            account,
        };
        rows.store_in(store).await;
        rows
    }

    async fn store_in(&self, store: &dyn Store) {
        let unit = store.begin().await.unwrap();
        for account in [&self.account, &self.hesitant, &self.placeholder] {
            unit.users().insert(account).await.unwrap();
        }
        unit.tasks().insert(&self.task).await.unwrap();
        unit.sessions().insert(&self.session).await.unwrap();
        unit.one_time_tokens().insert(&self.link).await.unwrap();
        unit.idempotency().claim(&self.kept, never()).await.unwrap();
        unit.personal_tokens().insert(&self.token, HASH).await.unwrap();
        let pending = SecondFactor { owner: self.hesitant.user.id, ..self.factor.clone() };
        for factor in [&self.factor, &pending] {
            assert!(unit.second_factors().enrol(factor).await.unwrap());
        }
        let (owner, factor) = (self.owner(), &self.factor);
        assert!(unit.second_factors().confirm(owner, factor.created_at, STEP, now()).await.unwrap());
        unit.second_factors().insert_recovery_codes(owner, &[HASH]).await.unwrap();
        unit.commit().await.unwrap();
        let counted = store.throttle().count(self.principal(), &network(), &Limits::DEFAULT, now()).await;
        assert!(counted.unwrap().network.is_some());
    }

    pub(crate) fn owner(&self) -> UserId {
        self.account.user.id
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal::account(self.owner())
    }

    pub(crate) fn rotation(&self) -> Rotation {
        self.session.rotate(self.next, "k1".into(), fixtures::LIFETIMES, now()).unwrap()
    }

    /// A text without what differs between two sets of rows.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let accounts = [&self.account, &self.hesitant, &self.placeholder, &self.newcomer];
        let ids = accounts.map(|account| account.user.id.uuid()).into_iter();
        let others = [
            self.task.id.uuid(),
            self.new_task.id.uuid(),
            self.session.id.uuid(),
            self.new_session.id.uuid(),
            self.session.current.uuid(),
            self.new_session.current.uuid(),
            self.next.uuid(),
            self.event.id.uuid(),
            self.link.id.uuid(),
            self.new_link.id.uuid(),
            self.token.id.uuid(),
            self.new_token.id.uuid(),
        ];
        for (n, id) in ids.chain(others).enumerate() {
            text = text.replace(&id.to_string(), &format!("id {n}"));
        }
        for (n, account) in accounts.iter().enumerate() {
            text = text.replace(account.user.email.as_str(), &format!("address {n}"));
        }
        text
    }

    /// All that is stored about these rows.
    pub(crate) async fn snapshot(&self, store: &dyn Store) -> String {
        let mut said = Vec::new();
        for account in [&self.account, &self.hesitant, &self.placeholder, &self.newcomer] {
            let id = account.user.id;
            let stored = store.users().find_account(id).await.unwrap();
            // What is printed of a hash is not the hash.
            let hash =
                stored.as_ref().and_then(|it| it.password_hash.as_ref()).map(|it| it.expose().to_owned());
            said.push(format!("{stored:?} {hash:?} {:?}", store.second_factors().find(id).await.unwrap()));
            said.push(format!("{:?}", store.legacy_tokens().bearer(id, HASH).await.unwrap().is_some()));
        }
        let (owner, kept) = (self.owner(), store.idempotency());
        for task in [&self.task, &self.new_task] {
            said.push(format!("{:?}", store.tasks().find(owner, task.id).await.unwrap()));
        }
        for session in [&self.session, &self.new_session] {
            said.push(format!("{:?}", store.sessions().find(owner, session.id).await.unwrap()));
        }
        for link in [&self.link, &self.new_link] {
            let found = store.one_time_tokens().find(owner, link.purpose, link.hash, now()).await.unwrap();
            said.push(format!("{found:?}"));
        }
        let purpose = self.link.purpose;
        said.push(format!("{:?}", store.one_time_tokens().issued(owner, purpose, never()).await.unwrap()));
        for record in [&self.kept, &self.new_key] {
            said.push(format!("{:?}", kept.find(owner, &record.key, never()).await.unwrap()));
        }
        for token in [&self.token, &self.new_token] {
            said.push(format!("{:?}", store.personal_tokens().bearer(owner, token.id).await.unwrap()));
        }
        said.push(format!("{:?}", store.second_factors().recovery_codes_left(owner).await.unwrap()));
        said.push(format!("{:?}", store.throttle().find(self.principal(), &network()).await.unwrap()));
        said.push(format!("{:?}", store.audit().latest(owner, None, 10).await.unwrap()));
        self.anonymous(&said.join("\n"))
    }
}
