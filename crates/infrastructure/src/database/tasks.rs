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
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable as _, QueryFilter,
    QueryResult, QuerySelect, QueryTrait, UpdateMany, Value,
    sea_query::{Expr, ExprTrait, Nullable, Query},
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::tasks::{ActiveModel, Column, Entity, Listed},
    error::{corrupt, store_error},
    fixed::Fixed,
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
        static INSERT: Fixed = Fixed::new();
        let call = self.call();
        let insert =
            INSERT.with(call.get_database_backend(), values(task), || Entity::insert(row(task)).into_query());
        call.execute_raw(insert).await.map(|_| ()).map_err(store_error)
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
            if let Some(row) = updated(&call, update).await? {
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

async fn find(call: &impl ConnectionTrait, owner: UserId, id: TaskId) -> Result<Option<Listed>, StoreError> {
    static FIND: Fixed = Fixed::new();
    let (owner, id) = (owner.uuid(), id.uuid());
    let find = FIND.with(call.get_database_backend(), vec![owner.into(), id.into()], || {
        Entity::find_by_id((owner, id)).select_only().columns(Listed::COLUMNS).into_query()
    });
    let row = call.query_one_raw(find).await.map_err(store_error)?;
    read(row.as_ref())
}

fn read(row: Option<&QueryResult>) -> Result<Option<Listed>, StoreError> {
    row.map(|row| Listed::from_query_result(row, "")).transpose().map_err(store_error)
}

/// Carries `update` out and answers the row as it is then, if there is one that it is for.
async fn updated(
    call: &impl ConnectionTrait,
    update: UpdateMany<Entity>,
) -> Result<Option<Listed>, StoreError> {
    let mut statement = update.into_query();
    statement.returning(Query::returning().columns(Listed::COLUMNS));
    let row = call.query_one(&statement).await.map_err(store_error)?;
    read(row.as_ref())
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
    fn completed_from(&self, before: Listed, update: UpdateMany<Entity>) -> UpdateMany<Entity> {
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

/// The values of `row`, in the order of the table's columns, which is the order in which they are inserted.
fn values(task: &Task) -> Vec<Value> {
    let row = row(task);
    Column::iter().filter_map(|column| row.get(column).into_value()).collect()
}

fn task(row: Listed) -> Result<Task, StoreError> {
    let Listed {
        owner_id,
        id,
        title,
        description,
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
