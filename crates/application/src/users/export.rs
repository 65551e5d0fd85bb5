//! All that is kept about an account, for its owner to take along. How it is written down is the surface's.

use std::sync::Arc;

use holdfast_domain::{
    SessionId, Timestamp, UserId,
    personal_tokens::PersonalToken,
    sessions::{AuthEvent, Session},
    tasks::Task,
    users::{LinkedAccount, User},
};

use super::{UserError, Users};
use crate::{
    Actor,
    ports::{
        Direction, EventPosition, PendingLink, Position, SortBy, SortKey, Start, Store, StoreError,
        TaskFilter, TaskOrder, TaskQuery,
    },
};

/// The most rows in one piece. Only one piece is in memory at a time, however much there is.
const PIECE: u64 = 100;
/// The oldest first: a task that is created meanwhile comes last.
const ORDER: TaskOrder = TaskOrder { by: SortBy::CreatedAt, direction: Direction::Ascending };

/// Some of what is kept, in the order in which an export tells it. Of every list there is at least one piece, which may be
/// empty; the pieces of one list follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportPiece {
    /// The links to accounts elsewhere, all at once.
    LinkedAccounts(Vec<LinkedAccount>),
    /// Sessions, those that are over as well.
    Sessions(Vec<Session>),
    /// The personal access tokens, the newest first, all at once.
    PersonalTokens(Vec<PersonalToken>),
    /// The links in mails that are good at the moment, the earliest first, all at once.
    PendingLinks(Vec<PendingLink>),
    /// The security history, the newest entries first.
    Events(Vec<AuthEvent>),
    /// The tasks, the oldest first.
    Tasks(Vec<Task>),
}

/// An export under way. Each piece is read on its own: what is there throughout is told exactly once, what comes or goes
/// meanwhile may be missing. One whose account goes meanwhile ends with an error: it must not look whole.
pub struct Export {
    /// The account as it was when the export began.
    pub user: User,
    /// Since when it has a second factor, if it has one.
    pub second_factor_since: Option<Timestamp>,
    /// When it began.
    at: Timestamp,
    store: Arc<dyn Store>,
    next: Option<Place>,
}

/// Where the next piece begins.
enum Place {
    LinkedAccounts,
    Sessions(Option<SessionId>),
    PersonalTokens,
    PendingLinks,
    Events(Option<EventPosition>),
    Tasks(Start),
    /// Behind all of it.
    End,
}

impl Users {
    /// Begins an export of the caller's own account.
    pub async fn export(&self, actor: Actor) -> Result<Export, UserError> {
        let user = self.store.users().find(actor.user).await?.ok_or(UserError::AccountGone)?;
        let factor = self.store.second_factors().find(actor.user).await?;
        let second_factor_since = factor.and_then(|factor| factor.confirmed_at);
        let (at, store) = (self.clock.now(), self.store.clone());
        Ok(Export { user, second_factor_since, at, store, next: Some(Place::LinkedAccounts) })
    }
}

impl Export {
    /// The next piece; nothing when all was told. After an error of the store the same piece may be asked for again.
    pub async fn next(&mut self) -> Result<Option<ExportPiece>, UserError> {
        let Some(place) = &self.next else { return Ok(None) };
        let Some((piece, next)) = self.read(place).await? else {
            // What goes with the account was missing from then on.
            self.store.users().find(self.user.id).await?.ok_or(UserError::AccountGone)?;
            self.next = None;
            return Ok(None);
        };
        self.next = Some(next);
        Ok(Some(piece))
    }

    /// The piece at this place, and where the next one begins; nothing at the end.
    async fn read(&self, place: &Place) -> Result<Option<(ExportPiece, Place)>, StoreError> {
        let owner: UserId = self.user.id;
        Ok(Some(match place {
            Place::LinkedAccounts => {
                let links = self.store.users().linked_accounts(owner).await?;
                (ExportPiece::LinkedAccounts(links), Place::Sessions(None))
            }
            Place::Sessions(after) => {
                let sessions = self.store.sessions().list(owner, *after, PIECE).await?;
                let last = full(&sessions).map(|session| Place::Sessions(Some(session.id)));
                (ExportPiece::Sessions(sessions), last.unwrap_or(Place::PersonalTokens))
            }
            Place::PersonalTokens => {
                let tokens = self.store.personal_tokens().list(owner).await?;
                (ExportPiece::PersonalTokens(tokens), Place::PendingLinks)
            }
            Place::PendingLinks => {
                let links = self.store.one_time_tokens().pending(owner, self.at).await?;
                (ExportPiece::PendingLinks(links), Place::Events(None))
            }
            Place::Events(behind) => {
                let events = self.store.audit().latest(owner, *behind, PIECE).await?;
                let last = full(&events).map(|event| Place::Events(Some(EventPosition::behind(event))));
                (ExportPiece::Events(events), last.unwrap_or(Place::Tasks(Start::Offset(0))))
            }
            Place::Tasks(start) => {
                let (filter, start) = (TaskFilter::default(), start.clone());
                let query = TaskQuery { filter, order: ORDER, start, limit: PIECE };
                let tasks = self.store.tasks().list(owner, &query).await?;
                let last = full(&tasks).map(|task| {
                    Place::Tasks(Start::After(Position { key: SortKey::of(task, ORDER.by), id: task.id }))
                });
                (ExportPiece::Tasks(tasks), last.unwrap_or(Place::End))
            }
            Place::End => return Ok(None),
        }))
    }
}

/// The last row of a piece behind which there may be another.
fn full<T>(rows: &[T]) -> Option<&T> {
    rows.last().filter(|_| rows.len() as u64 >= PIECE)
}
