//! What both surfaces stand on: taking requests apart, telling what is wrong with them, and the middleware. No wire
//! type of either surface.

pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod client_ip;
pub(crate) mod connection;
pub(crate) mod crowd;
pub(crate) mod datetime;
pub(crate) mod fault;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod governed;
pub(crate) mod head;
pub(crate) mod headers;
pub(crate) mod health;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod not_found;
pub(crate) mod observe;
pub(crate) mod paced;
pub(crate) mod rate_limit;
pub(crate) mod request_id;
pub(crate) mod routing;
pub(crate) mod streamed;
pub(crate) mod trace;
pub(crate) mod traffic;
pub(crate) mod values;

/// The shared state as handlers receive it.
pub(crate) type State = actix_web::web::Data<crate::WebState>;
