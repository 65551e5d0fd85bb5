//! Black-box tests of both surfaces over the memory store: requests in, answers out.

mod app;
mod auth;
mod bodies;
mod conditional;
mod cors;
mod documents;
mod errors;
mod health;
mod legacy;
mod limits;
mod routing;
mod tasks;
mod walk;
