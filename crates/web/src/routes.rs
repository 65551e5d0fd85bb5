//! Every route of both surfaces. The first path of a line is the canonical one, the others are its aliases; a test
//! compares this table with the OpenAPI document.

use crate::{
    common::{
        health,
        routing::{Surface, auth_paths, delete, get, patch, post, put},
    },
    v1::{self, auth, docs, tasks, users},
};

pub(crate) fn surfaces() -> Vec<Surface> {
    vec![
        // The frozen surface: this line and its folder are all there is.
        crate::legacy::surface(),
        canonical(),
    ]
}

fn canonical() -> Surface {
    Surface::new("/", v1::problem::render, v1::openapi::document)
        .at(&["/api/v1/tasks/{id}/complete"], [patch(tasks::complete)])
        .at(
            &["/api/v1/tasks/{id}"],
            [get(tasks::show), put(tasks::replace), patch(tasks::patch), delete(tasks::delete)],
        )
        .at(&["/api/v1/tasks"], [get(tasks::list), post(tasks::create)])
        .throttled_as_sign_in(&auth_paths(&["signup", "register"]), [post(auth::sign_up)])
        .throttled_as_sign_in(&auth_paths(&["signin"]), [post(auth::sign_in)])
        .throttled_as_sign_in(&auth_paths(&["login"]), [post(auth::login)])
        .throttled_as_sign_in(&auth_paths(&["token"]), [post(auth::token)])
        .throttled_as_sign_in(&auth_paths(&["password/forgot"]), [post(auth::forgot_password)])
        .throttled_as_sign_in(&auth_paths(&["password/reset"]), [post(auth::reset_password)])
        .throttled_as_sign_in(&auth_paths(&["email/verify/request"]), [post(auth::request_verification)])
        .throttled_as_sign_in(&auth_paths(&["email/verify"]), [post(auth::verify_email)])
        .throttled_as_sign_in(&auth_paths(&["email/confirm"]), [post(auth::confirm_email)])
        .throttled_as_refresh(&auth_paths(&["refresh"]), [post(auth::refresh)])
        .throttled_as_sign_in(&auth_paths(&["password"]), [post(auth::change_password)])
        .throttled_as_sign_in(&auth_paths(&["second-factor/confirm"]), [post(auth::confirm_second_factor)])
        .throttled_as_sign_in(
            &auth_paths(&["second-factor/recovery-codes"]),
            [post(auth::renew_recovery_codes)],
        )
        .throttled_as_sign_in(
            &auth_paths(&["second-factor"]),
            [get(auth::second_factor), post(auth::enrol_second_factor), delete(auth::remove_second_factor)],
        )
        .at(&auth_paths(&["logout", "signout"]), [post(auth::logout)])
        .at(&auth_paths(&["me"]), [get(auth::me)])
        .at(&auth_paths(&["session"]), [get(auth::session)])
        .at(&auth_paths(&["token-info"]), [get(auth::token_info)])
        .at(&auth_paths(&["verify"]), [post(auth::verify)])
        .at(&auth_paths(&["accounts"]), [get(auth::accounts)])
        .at(&auth_paths(&["sessions/{id}"]), [delete(auth::end_session)])
        .at(&auth_paths(&["sessions"]), [get(auth::sessions)])
        .at(&auth_paths(&["tokens/{id}"]), [delete(auth::revoke_token)])
        .throttled_as_sign_in(&auth_paths(&["tokens"]), [get(auth::tokens), post(auth::create_token)])
        .at(&auth_paths(&["events"]), [get(auth::events)])
        .at(&["/api/v1/users/me/export"], [get(users::export)])
        .at(&["/api/v1/users/events/export"], [get(users::export_events)])
        .throttled_as_sign_in(
            &["/api/v1/users/me"],
            [get(users::show_own), patch(users::update_own), delete(users::delete_own)],
        )
        .throttled_as_sign_in(&["/api/v1/users/me/email"], [post(users::change_email)])
        .at(&["/api/v1/users/{id}/role"], [put(users::set_role)])
        .at(&["/api/v1/users/{id}/ban"], [post(users::ban), delete(users::unban)])
        .at(&["/api/v1/users/{id}/sessions/{sid}"], [delete(users::end_session)])
        .at(&["/api/v1/users/{id}/sessions"], [get(users::sessions), delete(users::end_sessions)])
        .at(&["/api/v1/users/{id}/events"], [get(users::events)])
        .at(&["/api/v1/users/{id}/accounts"], [get(users::accounts)])
        .at(&["/api/v1/users/{id}"], [get(users::show), patch(users::update)])
        .at(&["/api/v1/users"], [get(users::list)])
        .at(&["/api/openapi.json", "/api/v1/openapi.json"], [get(docs::document)])
        .at(&["/api/docs", "/api/redoc", "/api/v1/docs", "/api/v1/redoc"], [get(docs::page)])
        .at(&["/api/docs/{file}"], [get(docs::asset)])
        .at(&["/.well-known/jwks.json"], [get(v1::jwks::jwks)])
        .at(&["/health/live"], [get(health::live)])
        .at(&["/health/ready"], [get(health::ready)])
        .at(&["/health/db"], [get(health::database)])
        .at(&["/health/auth"], [get(health::authentication)])
        .at(&["/health"], [get(health::healthy)])
        .at(&["/"], [get(v1::greeting::greeting)])
}
