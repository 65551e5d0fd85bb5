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
    QueryResult, QuerySelect, QueryTrait, Statement, StatementBuilder, UpdateMany, Value,
    sea_query::{Expr, ExprTrait, Nullable, Query, UpdateStatement},
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
        find(&self.named("tasks.find"), owner, id).await?.map(task).transpose()
    }

    async fn list(&self, owner: UserId, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        let rows = task_pages::list(&self.named("tasks.list").anywhere(), owner, query)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(task).collect()
    }

    async fn count(&self, owner: UserId, filter: &TaskFilter) -> Result<u64, StoreError> {
        task_pages::count(&self.named("tasks.count").anywhere(), owner, filter).await.map_err(store_error)
    }

    async fn insert(&self, task: &Task) -> Result<(), StoreError> {
        static INSERT: Fixed = Fixed::new();
        let call = self.named("tasks.insert");
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
        let call = self.named("tasks.update");
        loop {
            let row = match half_of_search_text(changes) {
                None => updated(&call, whole(&call, owner, id, changes, expected, now)).await?,
                Some(half) => {
                    let Some(before) = find(&call, owner, id).await? else {
                        return Ok(Updated::Missing);
                    };
                    let update = half.completed_from(before, changed(assignments(changes, now)));
                    let update = returning(update.filter(these(owner, id, expected)));
                    updated(&call, StatementBuilder::build(&update, &call.get_database_backend())).await?
                }
            };
            if let Some(row) = row {
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
        let call = self.named("tasks.delete");
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
async fn updated(call: &impl ConnectionTrait, update: Statement) -> Result<Option<Listed>, StoreError> {
    let row = call.query_one_raw(update).await.map_err(store_error)?;
    read(row.as_ref())
}

/// The update that needs no look at the row: one of a few shapes, by what it changes and whether a revision is expected.
fn whole(
    call: &impl ConnectionTrait,
    owner: UserId,
    id: TaskId,
    changes: &TaskChanges,
    expected: Option<Revision>,
    now: Timestamp,
) -> Statement {
    static UPDATES: [Fixed; 64] = [const { Fixed::new() }; 64];
    let TaskChanges { title, description, due, priority, completed } = changes;
    let parts = [
        title.is_some(),
        !matches!(description, Patch::Keep),
        !matches!(due, Patch::Keep),
        priority.is_some(),
        completed.is_some(),
        expected.is_some(),
    ];
    let shape = parts.into_iter().fold(0, |shape, part| shape << 1 | usize::from(part));
    let assignments = assignments(changes, now);
    let mut values = vec![STEP.into()];
    values.extend(assignments.iter().map(|(_, value)| value.clone()));
    values.extend([owner.uuid().into(), id.uuid().into()]);
    values.extend(expected.map(|revision| revision.number().into()));
    UPDATES[shape].with(call.get_database_backend(), values, || {
        returning(changed(assignments).filter(these(owner, id, expected)))
    })
}

fn returning(update: UpdateMany<Entity>) -> UpdateStatement {
    let mut statement = update.into_query();
    statement.returning(Query::returning().columns(Listed::COLUMNS));
    statement
}

/// The one task, in the expected revision where one is expected.
fn these(owner: UserId, id: TaskId, expected: Option<Revision>) -> Condition {
    Condition::all()
        .add(Column::OwnerId.eq(owner.uuid()))
        .add(Column::Id.eq(id.uuid()))
        .add_option(expected.map(|revision| Column::Revision.eq(revision.number())))
}

/// By how much a write moves the revision.
const STEP: i64 = 1;

/// The update that moves the revision and makes these assignments.
fn changed(assignments: Vec<(Column, Value)>) -> UpdateMany<Entity> {
    let update = Entity::update_many().col_expr(Column::Revision, Expr::col(Column::Revision).add(STEP));
    assignments
        .into_iter()
        .fold(update, |update, (column, value)| update.col_expr(column, Expr::value(value)))
}

/// All that can be said without looking at the row.
fn assignments(changes: &TaskChanges, now: Timestamp) -> Vec<(Column, Value)> {
    let TaskChanges { title, description, due, priority, completed } = changes;
    let mut assignments: Vec<(Column, Value)> = vec![(Column::UpdatedAt, Micros(now).into())];
    if let Some(title) = title {
        assignments.push((Column::Title, title.as_str().into()));
        assignments.push((Column::TitleSort, title.sort_key().into()));
        let described = match description {
            Patch::Keep => None,
            Patch::Clear => Some(search_text(title, None)),
            Patch::Set(description) => Some(search_text(title, Some(description))),
        };
        assignments.extend(described.map(|text| (Column::SearchText, text.into())));
    }
    let description = patched(description, |description| description.as_str().to_owned());
    assignments.extend(description.map(|value| (Column::Description, value)));
    assignments.extend(patched(due, |due| Micros(*due)).map(|value| (Column::DueAt, value)));
    assignments.extend(priority.map(|priority| (Column::Priority, priority.rank().into())));
    assignments.extend(completed.map(|completed| (Column::IsCompleted, completed.into())));
    assignments
}

/// What a column becomes, if anything is said about it.
fn patched<T, V: Into<Value> + Nullable>(patch: &Patch<T>, value: impl Fn(&T) -> V) -> Option<Value> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(V::null()),
        Patch::Set(set) => Some(value(set).into()),
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
