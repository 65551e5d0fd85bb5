//! Tasks in the database: their rows, and the statements that write them. How a list is cut into pages is in
//! `task_pages.rs`.

use async_trait::async_trait;
use holdfast_application::{
    Patch,
    domain::{
        TaskId, Timestamp, UserId,
        tasks::{Description, Priority, Revision, Task, Title, search_text},
    },
    ports::{Deleted, StoreError, TaskChanges, TaskFilter, TaskQuery, TaskRepository, Updated},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, UpdateMany, Value,
    sea_query::{Expr, ExprTrait, Nullable},
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::tasks::{ActiveModel, Column, Entity, Listed, Model},
    error::{corrupt, store_error},
    micros::Micros,
    task_pages,
};

#[async_trait]
impl<C: Connections> TaskRepository for SeaOrm<C> {
    async fn find(&self, owner: UserId, id: TaskId) -> Result<Option<Task>, StoreError> {
        find(&self.call(), owner, id).await?.map(task).transpose()
    }

    async fn list(&self, owner: UserId, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        let rows = task_pages::list(&self.call(), owner, query).await.map_err(store_error)?;
        rows.into_iter().map(task).collect()
    }

    async fn count(&self, owner: UserId, filter: &TaskFilter) -> Result<u64, StoreError> {
        task_pages::count(&self.call(), owner, filter).await.map_err(store_error)
    }

    async fn insert(&self, task: &Task) -> Result<(), StoreError> {
        Entity::insert(row(task)).exec_without_returning(&self.call()).await.map(|_| ()).map_err(store_error)
    }

    async fn update(
        &self,
        owner: UserId,
        id: TaskId,
        changes: &TaskChanges,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let call = self.call();
        let update = changed(changes, now).filter(these(owner, id, expected));
        loop {
            let update = match half_of_search_text(changes) {
                None => update.clone(),
                Some(half) => {
                    let Some(before) = find(&call, owner, id).await? else {
                        return Ok(Updated::Missing);
                    };
                    half.completed_from(before, update.clone())
                }
            };
            let rows = update.exec_with_returning(&call).await.map_err(store_error)?;
            if let Some(row) = rows.into_iter().next() {
                return task(row).map(Updated::Done);
            }
            match find(&call, owner, id).await? {
                None => return Ok(Updated::Missing),
                Some(row) if expected.is_some_and(|expected| expected.number() != row.revision) => {
                    return Ok(Updated::Stale);
                }
                // The other half changed under way, or the task came (back) just now: again, until the call's deadline.
                Some(_) => {}
            }
        }
    }

    async fn delete(
        &self,
        owner: UserId,
        id: TaskId,
        expected: Option<Revision>,
    ) -> Result<Deleted, StoreError> {
        let call = self.call();
        let delete = Entity::delete_many().filter(these(owner, id, expected));
        if delete.exec(&call).await.map_err(store_error)?.rows_affected > 0 {
            return Ok(Deleted::Done);
        }
        let stale = expected.is_some() && find(&call, owner, id).await?.is_some();
        Ok(if stale { Deleted::Stale } else { Deleted::Missing })
    }
}

async fn find(call: &impl ConnectionTrait, owner: UserId, id: TaskId) -> Result<Option<Model>, StoreError> {
    let select = Entity::find_by_id((owner.uuid(), id.uuid())).into_model();
    Ok(select.one(call).await.map_err(store_error)?.map(|Listed(row)| row))
}

/// The one task, in the expected revision where one is expected.
fn these(owner: UserId, id: TaskId, expected: Option<Revision>) -> Condition {
    Condition::all()
        .add(Column::OwnerId.eq(owner.uuid()))
        .add(Column::Id.eq(id.uuid()))
        .add_option(expected.map(|revision| Column::Revision.eq(revision.number())))
}

/// The statement for all that can be said without looking at the row.
fn changed(changes: &TaskChanges, now: Timestamp) -> UpdateMany<Entity> {
    let TaskChanges { title, description, due, priority, completed } = changes;
    let mut update = Entity::update_many()
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1_i64))
        .col_expr(Column::UpdatedAt, Expr::value(Micros(now)));
    if let Some(title) = title {
        update = update
            .col_expr(Column::Title, Expr::value(title.as_str()))
            .col_expr(Column::TitleSort, Expr::value(title.sort_key()));
        let described = match description {
            Patch::Keep => None,
            Patch::Clear => Some(search_text(title, None)),
            Patch::Set(description) => Some(search_text(title, Some(description))),
        };
        if let Some(text) = described {
            update = update.col_expr(Column::SearchText, Expr::value(text));
        }
    }
    if let Some(value) = patched(description, |description| description.as_str().to_owned()) {
        update = update.col_expr(Column::Description, value);
    }
    if let Some(value) = patched(due, |due| Micros(*due)) {
        update = update.col_expr(Column::DueAt, value);
    }
    if let Some(priority) = priority {
        update = update.col_expr(Column::Priority, Expr::value(priority.rank()));
    }
    if let Some(completed) = completed {
        update = update.col_expr(Column::IsCompleted, Expr::value(*completed));
    }
    update
}

/// What a column becomes, if anything is said about it.
fn patched<T, V: Into<Value> + Nullable>(patch: &Patch<T>, value: impl Fn(&T) -> V) -> Option<Expr> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(Expr::value(V::null())),
        Patch::Set(set) => Some(Expr::value(value(set))),
    }
}

/// The half of the search text that changes while the other half stays. Folding is ours and not SQL's, so the new text
/// takes a look at the row; the update then holds only while the half that was looked at is the same.
enum Half<'c> {
    Title(&'c Title),
    Description(Option<&'c Description>),
}

fn half_of_search_text(changes: &TaskChanges) -> Option<Half<'_>> {
    match (&changes.title, &changes.description) {
        (Some(title), Patch::Keep) => Some(Half::Title(title)),
        (None, Patch::Clear) => Some(Half::Description(None)),
        (None, Patch::Set(description)) => Some(Half::Description(Some(description))),
        (None, Patch::Keep) | (Some(_), Patch::Clear | Patch::Set(_)) => None,
    }
}

impl Half<'_> {
    fn completed_from(&self, before: Model, update: UpdateMany<Entity>) -> UpdateMany<Entity> {
        let (text, unchanged) = match self {
            Self::Title(title) => {
                let unchanged = match &before.description {
                    Some(description) => Column::Description.eq(description.as_str()),
                    None => Column::Description.is_null(),
                };
                (search_text(title, before.description.map(Description::stored).as_ref()), unchanged)
            }
            Self::Description(description) => {
                let unchanged = Column::Title.eq(before.title.as_str());
                (search_text(&Title::stored(before.title), *description), unchanged)
            }
        };
        update.col_expr(Column::SearchText, Expr::value(text)).filter(unchanged)
    }
}

fn row(task: &Task) -> ActiveModel {
    let Task { id, owner, title, description, due, priority, completed, revision, created_at, updated_at } =
        task;
    ActiveModel {
        owner_id: Set(owner.uuid()),
        id: Set(id.uuid()),
        title: Set(title.as_str().to_owned()),
        title_sort: Set(title.sort_key().to_owned()),
        description: Set(description.as_ref().map(|description| description.as_str().to_owned())),
        search_text: Set(task.search_text()),
        due_at: Set(due.map(Micros)),
        priority: Set(priority.rank()),
        is_completed: Set(*completed),
        revision: Set(revision.number()),
        created_at: Set(Micros(*created_at)),
        updated_at: Set(Micros(*updated_at)),
    }
}

fn task(row: Model) -> Result<Task, StoreError> {
    let Model {
        owner_id,
        id,
        title,
        title_sort: _,
        description,
        search_text: _,
        due_at,
        priority,
        is_completed,
        revision,
        created_at: Micros(created_at),
        updated_at: Micros(updated_at),
    } = row;
    Ok(Task {
        id: TaskId::new(id),
        owner: UserId::new(owner_id),
        title: Title::stored(title),
        description: description.map(Description::stored),
        due: due_at.map(|Micros(at)| at),
        priority: Priority::from_rank(priority).ok_or_else(|| corrupt("tasks.priority"))?,
        completed: is_completed,
        revision: Revision::new(revision),
        created_at,
        updated_at,
    })
}
