//! Rows with sensible defaults, of which a test names only what it is about.

use std::time::Duration;

use holdfast_application::domain::{
    EventId, SessionId, TaskId, Timestamp, TokenId, UserId,
    sessions::{AuthEvent, Client, EventKind, Lifetimes, Session},
    tasks::{Description, Priority, Revision, Task, TaskDraft, Title},
    users::{Account, Ban, Email, Name, PasswordHash, Role, User},
};

use crate::{ids::unique, passwords::PlainPasswords};

/// The password of every account that names no other.
pub const PASSWORD: &str = "correct horse battery";

/// The lifetimes that are configured by default: 7 days idle, 30 days in all, 30 seconds of reuse.
pub const LIFETIMES: Lifetimes = Lifetimes {
    idle: Duration::from_hours(7 * 24),
    absolute: Duration::from_hours(30 * 24),
    reuse: Duration::from_secs(30),
};

/// The time at which tests begin: 2026-01-01T00:00:00Z.
pub fn epoch() -> Timestamp {
    Timestamp::from_seconds(1_767_225_600).expect("lies in the year 2026")
}

/// So many seconds after [`epoch`].
pub fn at(seconds: u64) -> Timestamp {
    epoch().plus(Duration::from_secs(seconds))
}

/// So many microseconds after 1970; before it when negative.
pub fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("lies in the years 1 to 9999")
}

/// The first and the last point in time that can be told.
pub fn ends_of_time() -> [Timestamp; 2] {
    [epoch().minus(Duration::MAX), epoch().plus(Duration::MAX)]
}

/// A fresh owner.
pub fn owner() -> UserId {
    UserId::new(unique())
}

/// An account under construction.
#[derive(Debug, Clone)]
pub struct AccountBuilder(Account);

/// An account with an address and an id of its own, the role `user` and [`PASSWORD`].
pub fn account() -> AccountBuilder {
    let email = Email::stored(format!("{}@example.com", unique().simple()));
    let user = User::register(owner(), email, None, Role::User, epoch());
    AccountBuilder(Account { user, password_hash: Some(PlainPasswords::hashed(PASSWORD)) })
}

impl AccountBuilder {
    /// With this id.
    #[must_use]
    pub fn id(mut self, id: UserId) -> Self {
        self.0.user.id = id;
        self
    }

    /// With this address, whether or not it could sign up.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.0.user.email = Email::stored(email.to_owned());
        self
    }

    /// With this name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.0.user.name = Some(Name::stored(name.to_owned()));
        self
    }

    /// With this role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.0.user.role = role;
        self
    }

    /// With this hash, or without any.
    #[must_use]
    pub fn hash(mut self, hash: Option<PasswordHash>) -> Self {
        self.0.password_hash = hash;
        self
    }

    /// Switched off.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.0.user.active = false;
        self
    }

    /// Banned.
    #[must_use]
    pub fn banned(mut self, ban: Ban) -> Self {
        self.0.user.ban = Some(ban);
        self
    }

    /// The account.
    pub fn build(self) -> Account {
        self.0
    }
}

/// A task under construction.
#[derive(Debug, Clone)]
pub struct TaskBuilder(Task);

/// A task of `owner` with an id of its own, made at [`epoch`], with a title and nothing else.
pub fn task(owner: UserId) -> TaskBuilder {
    let draft = TaskDraft {
        title: Title::stored("Write it down".to_owned()),
        description: None,
        due: None,
        priority: Priority::NotUrgentNotImportant,
        completed: false,
    };
    TaskBuilder(Task::create(TaskId::new(unique()), owner, draft, epoch()))
}

impl TaskBuilder {
    /// With this id.
    #[must_use]
    pub fn id(mut self, id: TaskId) -> Self {
        self.0.id = id;
        self
    }

    /// With this title, whatever its length.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.0.title = Title::stored(title.to_owned());
        self
    }

    /// With this description, whatever its length.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.0.description = Some(Description::stored(description.to_owned()));
        self
    }

    /// Due at this point.
    #[must_use]
    pub fn due(mut self, due: Option<Timestamp>) -> Self {
        self.0.due = due;
        self
    }

    /// With this priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.0.priority = priority;
        self
    }

    /// Done or not done.
    #[must_use]
    pub fn completed(mut self, completed: bool) -> Self {
        self.0.completed = completed;
        self
    }

    /// In this revision.
    #[must_use]
    pub fn revision(mut self, revision: i64) -> Self {
        self.0.revision = Revision::new(revision);
        self
    }

    /// Made at this point.
    #[must_use]
    pub fn created_at(mut self, at: Timestamp) -> Self {
        self.0.created_at = at;
        self
    }

    /// Last written at this point.
    #[must_use]
    pub fn updated_at(mut self, at: Timestamp) -> Self {
        self.0.updated_at = at;
        self
    }

    /// The task.
    pub fn build(self) -> Task {
        self.0
    }
}

/// A session of `owner` with identifiers of its own, begun at [`epoch`] with the [`LIFETIMES`].
pub fn session(owner: UserId) -> Session {
    let (id, first) = (SessionId::new(unique()), TokenId::new(unique()));
    Session::begin(id, owner, first, "k1".into(), Client::default(), LIFETIMES, Duration::ZERO, epoch())
}

/// An entry of the history of `user` with an id of its own.
pub fn event(user: UserId, kind: EventKind, at: Timestamp) -> AuthEvent {
    AuthEvent {
        id: EventId::new(unique()),
        user,
        kind: kind.into(),
        at,
        session: None,
        client: Client::default(),
    }
}
