//! Making the token of a link, and how many there may be. Redeeming one is the use cases'.

use std::{sync::Arc, time::Duration};

use holdfast_domain::{
    OneTimeTokenId, UserId,
    users::{Email, LinkPurpose},
};

use crate::{
    error::{Classify, ErrorKind, Exceeded},
    ports::{Clock, Ids, LinkToken, NoRandomness, OneTimeToken, Randomness, StoreError, UnitOfWork},
};

/// How many links of one purpose an account is sent within [`LINK_WINDOW`]. Each purpose has its own, so that strangers who
/// ask for resets never keep the owner from anything else.
pub const LINKS_PER_WINDOW: u32 = 5;
/// The length of that window.
pub const LINK_WINDOW: Duration = Duration::from_hours(1);

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The account was sent as many as it may be.
    #[error("Too many mails were asked for; try again in {} s", .retry_after.as_secs())]
    TooMany {
        /// When it is worth another try.
        retry_after: Duration,
    },
    /// There is nothing to make a secret of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for LinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMany { retry_after } => ErrorKind::Throttled(Exceeded {
                limit: "links",
                quota: LINKS_PER_WINDOW,
                window: LINK_WINDOW,
                retry_after: *retry_after,
            }),
            Self::Randomness(NoRandomness(_)) => ErrorKind::Unexpected,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "RATE_LIMITED",
            Self::Randomness(NoRandomness(_)) => "SERVER_ERROR",
            Self::Store(error) => error.code(),
        }
    }
}

/// Makes links.
#[derive(Clone)]
pub(crate) struct Links {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    randomness: Arc<dyn Randomness>,
}

impl Links {
    pub(crate) fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, randomness: Arc<dyn Randomness>) -> Self {
        Self { clock, ids, randomness }
    }

    /// A new token, in a unit of work that holds the account, so that the count is right. The earlier ones of the same
    /// purpose are good for nothing from its commit on. `email` is the new address, where the purpose is to change it.
    pub(crate) async fn issue(
        &self,
        work: &dyn UnitOfWork,
        owner: UserId,
        purpose: LinkPurpose,
        email: Option<Email>,
    ) -> Result<LinkToken, LinkError> {
        let now = self.clock.now();
        let tokens = work.one_time_tokens();
        let issued = tokens.issued(owner, purpose, now.minus(LINK_WINDOW)).await?;
        if let Some(first) = issued.iter().rev().nth(LINKS_PER_WINDOW as usize - 1) {
            return Err(LinkError::TooMany { retry_after: first.plus(LINK_WINDOW).since(now) });
        }
        // What has been over for that long counts for nothing any more, not even for this.
        tokens.forget(owner, now.minus(LINK_WINDOW)).await?;
        tokens.supersede(owner, purpose, now).await?;
        let (token, hash) = LinkToken::seal(owner, &self.randomness.secret()?);
        let id = OneTimeTokenId::new(self.ids.next());
        let expires_at = now.plus(purpose.lifetime());
        tokens.insert(&OneTimeToken { owner, id, purpose, hash, email, created_at: now, expires_at }).await?;
        Ok(token)
    }
}
