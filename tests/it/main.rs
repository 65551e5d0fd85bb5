//! Journeys through the whole program over real HTTP, on SQLite and on PostgreSQL.

mod app;
mod bad_input;
mod isolation;
mod journey;
mod operations;
mod sessions;
mod throttling;
