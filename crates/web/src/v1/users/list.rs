//! `GET /users`: all accounts, a page at a time, for administrators.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    domain::users::Role,
    users::{ListUsers, UserPage},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::FlatUser;
use crate::{
    common::{
        State,
        auth::Caller,
        fault::Fault,
        fields::{Fields, FromFields},
        limits, values,
    },
    v1::{
        json::role,
        openapi::{Always, Authorized, Secured, WithQuery, role_schema},
    },
};

/// Which accounts, and which page of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserListQuery {
    /// From 1.
    #[param(minimum = 1, default = 1, required = false)]
    page: u64,
    /// How many accounts at most.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    per_page: u64,
    /// With exactly this role.
    #[param(schema_with = role_schema, required = false)]
    role: Option<Role>,
    /// Banned now, or not.
    banned: Option<bool>,
}

impl FromFields for UserListQuery {
    fn take(fields: &mut Fields) -> Option<Self> {
        let page = fields.non_null("page", |value| values::query_number(value, 1..=u64::MAX));
        let per_page = fields.non_null("per_page", |value| values::query_number(value, 1..=limits::PAGE));
        let role = fields.non_null("role", role);
        let banned = fields.non_null("banned", values::query_boolean);
        Some(Self {
            page: page?.unwrap_or(1),
            per_page: per_page?.unwrap_or(limits::DEFAULT_PAGE),
            role: role?,
            banned: banned?,
        })
    }
}

impl From<&UserListQuery> for ListUsers {
    fn from(query: &UserListQuery) -> Self {
        let UserListQuery { page, per_page, role, banned } = *query;
        Self { role, banned, page, per_page }
    }
}

/// One page, the newest accounts first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    items: Vec<FlatUser>,
    pagination: Pagination,
}

/// Where a page lies.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// As asked for.
    page: u64,
    /// As asked for.
    per_page: u64,
    /// How many accounts match on all pages together.
    total: u64,
    /// How many pages they fill.
    total_pages: u64,
}

/// Lists accounts, a page at a time.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users", params(UserListQuery),
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "One page", body = UserList), Secured, Authorized, WithQuery, Always))]
pub(crate) async fn list(caller: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let users = &state.services().users;
    users.authorize_administrator(caller.0).await?;
    let query = UserListQuery::read(Fields::of_query(request.query_string())?)?;
    let UserPage { users, total } = users.list(caller.0, ListUsers::from(&query)).await?;
    let UserListQuery { page, per_page, .. } = query;
    let now = state.now();
    Ok(HttpResponse::Ok().json(UserList {
        items: users.into_iter().map(|user| FlatUser::new(user, now)).collect(),
        pagination: Pagination { page, per_page, total, total_pages: total.div_ceil(per_page) },
    }))
}
