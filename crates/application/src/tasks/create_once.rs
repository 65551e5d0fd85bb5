//! Creating a task by a request that may be repeated.

use std::time::Duration;

use holdfast_domain::{
    TaskId,
    tasks::{Task, TaskDraft},
};

use super::{TaskError, Tasks};
use crate::{
    Actor,
    idempotency::{Attempt, KEPT_FOR, KeptAnswer, Settled},
    ports::{Claim, IdempotencyRecord, StoreError},
};

/// After a failure that came later than this the key is not looked for: the store would take its time once more, and a
/// database that is gone is told within 1.5 s, of which one call may take 1.4.
const LOOKS_WITHIN: Duration = Duration::from_millis(100);

impl Tasks {
    /// Adds a task of the caller's the first time that it is attempted; later, answers what was answered then, whatever
    /// became of the task. `render` makes the answer, which is stored with the task or not at all.
    pub async fn create_once(
        &self,
        actor: Actor,
        draft: TaskDraft,
        attempt: Attempt,
        render: impl FnOnce(Task) -> KeptAnswer,
    ) -> Result<Settled, TaskError> {
        let now = self.clock.now();
        let task = Task::create(TaskId::new(self.ids.next()), actor.user, draft, now);
        let Attempt { key, fingerprint } = attempt;
        let answer = render(task.clone());
        let record = IdempotencyRecord { owner: actor.user, key, fingerprint, answer, created_at: now };
        let kept = match self.insert_once(&task, &record).await {
            Ok(Claim::Won) => return Ok(Settled { answer: record.answer, replayed: false }),
            Ok(Claim::Taken(kept)) => kept,
            Ok(Claim::InFlight) => return Err(TaskError::KeyInUse),
            Err(error) => self.settled(&record, error).await?,
        };
        if kept.fingerprint != fingerprint {
            return Err(TaskError::KeyReused);
        }
        // The task's id is in its answer, so that nobody else's is the same.
        Ok(Settled { replayed: kept.answer != record.answer, answer: kept.answer })
    }

    /// The task and the record of its making, both or neither.
    async fn insert_once(&self, task: &Task, record: &IdempotencyRecord) -> Result<Claim, StoreError> {
        let work = self.store.begin().await?;
        let claim = work.idempotency().claim(record, record.created_at.minus(KEPT_FOR)).await?;
        match claim {
            Claim::Won => {
                work.tasks().insert(task).await?;
                work.commit().await?;
            }
            Claim::Taken(_) | Claim::InFlight => {}
        }
        Ok(claim)
    }

    /// What the store says when it could not be asked, or did not tell what became of it: perhaps this attempt
    /// succeeded all the same, or another one did meanwhile. Whoever is not told repeats the request, and then is.
    async fn settled(
        &self,
        record: &IdempotencyRecord,
        error: StoreError,
    ) -> Result<IdempotencyRecord, TaskError> {
        let is_late = self.clock.now().since(record.created_at) > LOOKS_WITHIN;
        if is_late || !matches!(error, StoreError::Unavailable(_)) {
            return Err(error.into());
        }
        let forgotten = record.created_at.minus(KEPT_FOR);
        let kept = self.store.idempotency().find(record.owner, &record.key, forgotten).await;
        // Whatever is wrong with this look, the first error tells more.
        kept.ok().flatten().ok_or_else(|| error.into())
    }
}
