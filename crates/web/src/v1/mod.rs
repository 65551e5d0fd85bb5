//! The canonical surface: what new clients are written against. Nothing here is shared with `legacy`.

pub(crate) mod auth;
pub(crate) mod docs;
pub(crate) mod etag;
pub(crate) mod greeting;
pub(crate) mod idempotency;
pub(crate) mod json;
pub(crate) mod jwks;
pub(crate) mod openapi;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod tasks;
pub(crate) mod users;
