//! The OpenAPI 3.1 document: the operations of this surface, the answers that many of them share, and the whole that
//! the surfaces make up together.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        self, Ref, RefOr, Response, ResponseBuilder,
        content::ContentBuilder,
        header::HeaderBuilder,
        schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type},
        security::{Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityScheme},
    },
};

use holdfast_application::domain::{personal_tokens::TokenScope, tasks::Priority, users::Role};

use super::{auth, docs, greeting, jwks, problem::Problem, tasks, users};
use crate::{
    common::{health, routing::Surface, values::one_of},
    routes,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Holdfast",
        description = "Accounts, sessions and tasks. Errors are RFC 9457 problem documents; see docs/api-design.md.",
        license(name = "GPL-3.0-or-later", identifier = "GPL-3.0-or-later"),
    ),
    paths(
        auth::sign_up, auth::sign_in, auth::login, auth::token, auth::refresh, auth::logout, auth::me,
        auth::session, auth::token_info, auth::verify, auth::accounts, auth::sessions, auth::end_session,
        auth::change_password, auth::events, auth::tokens, auth::create_token, auth::revoke_token,
        auth::second_factor, auth::enrol_second_factor, auth::confirm_second_factor, auth::renew_recovery_codes,
        auth::remove_second_factor,
        auth::forgot_password, auth::reset_password, auth::request_verification, auth::verify_email, auth::confirm_email,
        users::list, users::show, users::update, users::set_role, users::ban, users::unban, users::sessions,
        users::end_sessions, users::end_session, users::accounts, users::events, users::show_own, users::update_own,
        users::delete_own, users::export, users::export_events, users::change_email,
        tasks::list, tasks::create, tasks::show, tasks::replace, tasks::patch, tasks::delete, tasks::complete,
        jwks::jwks, greeting::greeting, health::healthy, health::live, health::ready, health::database, health::authentication,
        docs::page, docs::asset, docs::document,
    ),
    components(schemas(Problem)),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "users", description = "Accounts: their administration, and one's own"),
        (name = "tasks", description = "The caller's tasks"),
        (name = "operations", description = "For operators and monitors"),
        (name = "docs", description = "This documentation"),
    ),
    modifiers(&Shared),
)]
struct Canonical;

/// What this surface documents.
pub(crate) fn document() -> openapi::OpenApi {
    Canonical::openapi()
}

/// The document of every route of both surfaces, aliases included.
pub fn openapi() -> openapi::OpenApi {
    let mut documents: Vec<_> = routes::surfaces().iter().map(Surface::document).collect();
    // The canonical surface stands last in the routing and tells the title.
    let canonical = documents.pop().unwrap_or_default();
    documents.into_iter().fold(canonical, openapi::OpenApi::merge_from)
}

/// [`openapi()`] as indented JSON, the same text every time.
pub fn openapi_json() -> String {
    // A document of texts and numbers always serializes.
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Security schemes and shared answers.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let personal_token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("hfp_…")
            .description(Some("A personal access token with the scopes that the operation names"))
            .build();
        let password = Password::new("/api/v1/auth/token", Scopes::new());
        let schemes = [
            ("bearer", SecurityScheme::Http(bearer)),
            ("personal_token", SecurityScheme::Http(personal_token)),
            ("password", SecurityScheme::OAuth2(OAuth2::new([Flow::Password(password)]))),
        ];
        components.security_schemes.extend(schemes.map(|(name, scheme)| (name.to_owned(), scheme.into())));
        let responses = PROBLEMS
            .iter()
            .chain(&ALWAYS)
            .map(|(name, _, told)| ((*name).to_owned(), problem(name, told).into()));
        components.responses.extend(responses);
    }
}

const PROBLEMS: [(&str, &str, &str); 28] = [
    ("Malformed", "400", "The body is not JSON"),
    ("DeadLink", "400", "The link is not valid, or not any more; or the body is not JSON"),
    ("BadQuery", "400", "The query string cannot be decoded, or the cursor is not one of this list"),
    ("Unauthenticated", "401", "No bearer token, or not a good one"),
    (
        "WrongPassword",
        "401",
        "Unknown account or wrong password; or a code of the second factor is needed, or not good",
    ),
    (
        "Unconfirmed",
        "401",
        "No good bearer token, or the password is not the current one, or a code of the second factor is needed, or not good",
    ),
    ("DeadRefreshToken", "401", "The refresh token is not valid"),
    ("Forbidden", "403", "The password is right and the account may not be used"),
    ("FactorsOff", "403", "The account may not be used, or this server offers no second factors"),
    ("NotForTokens", "403", "A personal access token, which this does not take"),
    ("ScopeMissing", "403", "A personal access token without the scope"),
    ("NotAllowed", "403", "The caller may not do this to this account, whether or not it exists"),
    ("NotFound", "404", "It does not exist, or is somebody else's"),
    ("TooSlow", "408", "The body did not arrive in time"),
    ("Conflict", "409", "The e-mail address is taken"),
    ("NoPassword", "409", "The account has no password; a reset gives it one"),
    ("Full", "409", "There are as many already as there may be, or the account has no password"),
    ("NoFactor", "409", "The account has no such second factor, or no password"),
    ("FactorEnrolled", "409", "The account has a second factor already, or no password"),
    ("Contradiction", "409", "An administrator would shut themselves out, or nobody would be left"),
    ("KeyInUse", "409", "A request with this `Idempotency-Key` is under way"),
    ("PreconditionFailed", "412", "`If-Match` names another revision"),
    ("TooLarge", "413", "The body is too large"),
    ("UnsupportedMediaType", "415", "The body is of another media type"),
    ("Invalid", "422", "Well-formed and not valid; all faults at once"),
    ("InvalidOrReused", "422", "As Invalid, or the `Idempotency-Key` was used for another request"),
    (
        "PreconditionRequired",
        "428",
        "There is no `If-Match`, and this server asks for it (`REQUIRE_IF_MATCH`)",
    ),
    ("Throttled", "429", "Too many attempts"),
];

const ALWAYS: [(&str, &str, &str); 2] = [
    ("ServerError", "500", "A fault of ours"),
    ("Unavailable", "503", "A dependency is lost, or the answer took too long"),
];

fn problem(name: &str, description: &str) -> Response {
    let header = |text: &str, kind: Type| {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(text)).build()
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        ResponseBuilder::new().description(description).content("application/problem+json", content);
    match name {
        "Throttled" => response
            .header("Retry-After", header("Seconds to wait", Type::Integer))
            .header("RateLimit", header("What is left", Type::String))
            .header("RateLimit-Policy", header("What is allowed", Type::String)),
        "Unavailable" | "KeyInUse" => {
            response.header("Retry-After", header("Seconds to wait", Type::Integer))
        }
        "Unauthenticated" | "ScopeMissing" | "NotForTokens" | "Unconfirmed" | "WrongPassword"
        | "DeadRefreshToken" => response.header("WWW-Authenticate", header("RFC 6750", Type::String)),
        _ => response,
    }
    .build()
}

/// Declares groups of shared answers by their names in [`PROBLEMS`] and [`ALWAYS`].
macro_rules! answers {
    ($($(#[$doc:meta])* $group:ident: [$($name:literal),+];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $group;

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                named(&[$($name),+])
            }
        }
    )+};
}

answers! {
    /// On every operation that does something.
    Always: ["ServerError", "Unavailable"];
    /// On operations that need a token.
    Secured: ["Unauthenticated", "NotForTokens"];
    /// On operations that need a token, and take a personal access token with its scope.
    Scoped: ["Unauthenticated", "ScopeMissing"];
    /// On operations that not everybody may use.
    Authorized: ["NotAllowed"];
    /// On operations that would leave an administrator outside.
    Contradictory: ["Contradiction"];
    /// On operations on one object.
    Missing: ["NotFound"];
    /// On operations that read what `If-Match` names.
    Matching: ["PreconditionFailed"];
    /// On operations that change what `If-Match` names.
    Conditional: ["PreconditionFailed", "PreconditionRequired"];
    /// On operations that honour `Idempotency-Key`; stands behind `WithBody`.
    Repeatable: ["KeyInUse", "InvalidOrReused"];
    /// On operations that read JSON.
    WithBody: ["Malformed", "TooSlow", "TooLarge", "UnsupportedMediaType", "Invalid"];
    /// On operations that read a form.
    WithForm: ["TooSlow", "TooLarge", "UnsupportedMediaType"];
    /// On operations that read a query string.
    WithQuery: ["BadQuery", "Invalid"];
    /// On operations that count attempts.
    Throttled: ["Throttled"];
    /// On operations that try a password.
    WrongPassword: ["WrongPassword", "Forbidden"];
    /// On operations of a caller that the password of the account confirms.
    Confirmed: ["Unconfirmed", "Forbidden", "NoPassword"];
    /// On operations that add one more of what there may not be any number of; stands behind `Confirmed`.
    Full: ["Full"];
    /// On operations that a code of the second factor confirms.
    CodeNeeded: ["Unconfirmed", "Forbidden"];
    /// On operations on a second factor that must be there.
    NoFactor: ["NoFactor"];
    /// On operations that enrol a second factor; stands behind `Confirmed`.
    EnrolledOrOff: ["FactorsOff", "FactorEnrolled"];
    /// On operations that exchange refresh tokens.
    DeadRefreshToken: ["DeadRefreshToken"];
    /// On operations that a password confirms which the account may not have.
    Passwordless: ["NoPassword"];
    /// On operations that redeem a link; stands behind `WithBody`.
    DeadLink: ["DeadLink"];
    /// On operations that claim an address.
    EmailTaken: ["Conflict"];
}

fn named(names: &[&str]) -> BTreeMap<String, RefOr<Response>> {
    let known = PROBLEMS.iter().chain(&ALWAYS).filter(|(name, _, _)| names.contains(name));
    known
        .map(|(name, status, _)| ((*status).to_owned(), RefOr::Ref(Ref::from_response_name(*name))))
        .collect()
}

/// The names of the four priorities.
pub(crate) fn priority_schema() -> Object {
    one_of(Priority::ALL.map(Priority::name)).build()
}

/// The names of the two roles.
pub(crate) fn role_schema() -> Object {
    one_of([Role::User, Role::Admin].map(Role::name)).build()
}

/// The names of scopes, in a list.
pub(crate) fn token_scopes_schema() -> Array {
    let scopes = one_of(TokenScope::ALL.map(TokenScope::name));
    ArrayBuilder::new().items(scopes).min_items(Some(1)).unique_items(true).build()
}

/// What a list can be sorted by.
pub(crate) fn sort_by_schema() -> Object {
    let names = ["created_at", "updated_at", "due_datetime", "priority", "title"];
    one_of(names).default(Some("created_at".into())).build()
}

/// The two directions.
pub(crate) fn direction_schema() -> Object {
    one_of(["asc", "desc"]).default(Some("desc".into())).build()
}

/// What signing out can end.
pub(crate) fn scope_schema() -> Object {
    one_of(["local", "others", "global"]).default(Some("local".into())).build()
}
