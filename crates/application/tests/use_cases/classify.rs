//! What every error means to the caller.

use std::{iter, time::Duration};

use holdfast_application::{
    Classify,
    ErrorKind::{
        self, Conflict, Forbidden, InFlight, Invalid, Malformed, NotFound, PreconditionFailed, Throttled,
        Unauthenticated, Unavailable, Unexpected,
    },
    Exceeded,
    auth::{AuthError, SecondFactorError},
    domain::{
        personal_tokens::TokenScope,
        sessions::TooManyRotations,
        throttle::{self, Limit},
        users::{BanEndsTooEarly, PasswordFault},
    },
    mail::LinkError,
    page::InvalidCursor,
    ports::{
        InvalidToken, NoRandomness, OutboxFull, PasswordsError, StoreError, TokensError, Unique, VaultError,
    },
    tasks::TaskError,
    users::UserError,
};

const WAIT: Duration = Duration::from_secs(7);
const SECOND: Duration = Duration::from_secs(1);

fn check(error: &dyn Classify, kind: ErrorKind, code: &str) {
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
}

fn store_errors() -> [(StoreError, ErrorKind, &'static str); 5] {
    [
        (StoreError::Unavailable("gone".into()), Unavailable(SECOND), "SERVICE_UNAVAILABLE"),
        (StoreError::Duplicate(Unique::Email), Unexpected, "SERVER_ERROR"),
        (StoreError::Duplicate(Unique::Id), Unexpected, "SERVER_ERROR"),
        (StoreError::OwnerMissing, Unexpected, "SERVER_ERROR"),
        (StoreError::Unexpected("odd".into()), Unexpected, "SERVER_ERROR"),
    ]
}

#[test]
fn errors_of_the_store_are_unavailable_or_unexpected() {
    for (error, kind, code) in store_errors() {
        check(&error, kind, code);
    }
}

#[test]
fn errors_of_auth_have_their_kinds_and_codes() {
    let busy = PasswordsError::Busy { retry_after: WAIT };
    for (error, kind, code) in [
        (AuthError::TokenInvalid, Unauthenticated, "TOKEN_INVALID"),
        (AuthError::from(InvalidToken), Unauthenticated, "TOKEN_INVALID"),
        (AuthError::RefreshTokenInvalid, Unauthenticated, "REFRESH_TOKEN_INVALID"),
        (AuthError::InvalidCredentials, Unauthenticated, "INVALID_CREDENTIALS"),
        (AuthError::Banned, Forbidden, "ACCOUNT_BANNED"),
        (AuthError::Inactive, Forbidden, "ACCOUNT_INACTIVE"),
        (AuthError::EmailExists, Conflict, "EMAIL_EXISTS"),
        (AuthError::NoPassword, Conflict, "NO_PASSWORD"),
        (AuthError::PersonalTokenRefused, Forbidden, "FORBIDDEN"),
        (AuthError::ScopeMissing(TokenScope::TasksRead), Forbidden, "FORBIDDEN"),
        (AuthError::PersonalTokenLimit, Conflict, "PERSONAL_TOKEN_LIMIT"),
        (AuthError::PersonalTokenNotFound, NotFound, "NOT_FOUND"),
        (AuthError::from(NoRandomness("odd".into())), Unexpected, "SERVER_ERROR"),
        (AuthError::from(SecondFactorError::Required), Unauthenticated, "SECOND_FACTOR_REQUIRED"),
        (AuthError::from(SecondFactorError::Wrong), Unauthenticated, "SECOND_FACTOR_REQUIRED"),
        (AuthError::from(SecondFactorError::Enrolled), Conflict, "SECOND_FACTOR_ENROLLED"),
        (AuthError::from(SecondFactorError::Missing), Conflict, "NO_SECOND_FACTOR"),
        (AuthError::from(SecondFactorError::Off), Forbidden, "SECOND_FACTOR_OFF"),
        (
            AuthError::from(SecondFactorError::from(VaultError::Failed("odd".into()))),
            Unexpected,
            "SERVER_ERROR",
        ),
        (AuthError::LinkInvalid, Malformed, "LINK_INVALID"),
        (AuthError::from(PasswordFault::Common), Invalid, "VALIDATION_ERROR"),
        (AuthError::from(OutboxFull), Unavailable(Duration::from_mins(1)), "SERVICE_UNAVAILABLE"),
        (AuthError::from(LinkError::from(NoRandomness("odd".into()))), Unexpected, "SERVER_ERROR"),
        (AuthError::Passwords(busy), Unavailable(WAIT), "SERVICE_UNAVAILABLE"),
        (AuthError::Passwords(PasswordsError::Failed("odd".into())), Unexpected, "SERVER_ERROR"),
        (AuthError::Tokens(TokensError::Failed("odd".into())), Unexpected, "SERVER_ERROR"),
        (
            AuthError::Tokens(TokensError::KeyMissing),
            Unavailable(Duration::from_secs(1)),
            "SERVICE_UNAVAILABLE",
        ),
    ] {
        check(&error, kind, code);
    }
    for (error, kind, code) in store_errors() {
        check(&AuthError::from(error), kind, code);
    }
    for (error, kind, code) in store_errors() {
        check(&AuthError::from(LinkError::from(error)), kind, code);
    }
}

#[test]
fn errors_of_tasks_have_their_kinds_and_codes() {
    for (error, kind, code) in [
        (TaskError::NotFound, NotFound, "NOT_FOUND"),
        (TaskError::Stale, PreconditionFailed, "PRECONDITION_FAILED"),
        (TaskError::from(InvalidCursor), Malformed, "INVALID_CURSOR"),
        (TaskError::KeyReused, Invalid, "IDEMPOTENCY_KEY_REUSED"),
        (TaskError::KeyInUse, InFlight(SECOND), "IDEMPOTENCY_KEY_IN_USE"),
        (TaskError::AccountGone, Unauthenticated, "TOKEN_INVALID"),
        (TaskError::from(StoreError::OwnerMissing), Unauthenticated, "TOKEN_INVALID"),
    ] {
        check(&error, kind, code);
    }
    for (error, kind, code) in store_errors() {
        if !matches!(error, StoreError::OwnerMissing) {
            check(&TaskError::from(error), kind, code);
        }
    }
}

#[test]
fn errors_of_users_have_their_kinds_and_codes() {
    let busy = PasswordsError::Busy { retry_after: WAIT };
    for (error, kind, code) in [
        (UserError::Forbidden, Forbidden, "FORBIDDEN"),
        (UserError::NotFound, NotFound, "NOT_FOUND"),
        (UserError::SessionNotFound, NotFound, "NOT_FOUND"),
        (UserError::OwnAccount, Conflict, "OWN_ACCOUNT"),
        (UserError::LastAdministrator, Conflict, "LAST_ADMINISTRATOR"),
        (UserError::PasswordWrong, Unauthenticated, "INVALID_CREDENTIALS"),
        (UserError::AccountGone, Unauthenticated, "TOKEN_INVALID"),
        (UserError::from(BanEndsTooEarly), Malformed, "VALIDATION_ERROR"),
        (UserError::from(InvalidCursor), Malformed, "INVALID_CURSOR"),
        (UserError::from(busy), Unavailable(WAIT), "SERVICE_UNAVAILABLE"),
        (UserError::from(PasswordsError::Failed("odd".into())), Unexpected, "SERVER_ERROR"),
    ] {
        check(&error, kind, code);
    }
    for (error, kind, code) in store_errors() {
        check(&UserError::from(error), kind, code);
    }
}

/// Every limit is told by its name, with what is free and when it is worth another try.
#[test]
fn every_limit_that_is_exceeded_is_told() {
    let minutes = |minutes| Duration::from_mins(minutes);
    let throttled = |limit| throttle::Throttled { limit, quota: 5, retry_after: WAIT };
    let errors: [(&dyn Classify, &'static str, u32, Duration); 5] = [
        (&AuthError::from(TooManyRotations { retry_after: WAIT }), "session", 10, minutes(1)),
        (&AuthError::from(throttled(Limit::Network)), "network", 5, minutes(24 * 60)),
        (&AuthError::from(throttled(Limit::Account)), "account", 5, minutes(24 * 60)),
        (&UserError::from(throttled(Limit::Network)), "network", 5, minutes(24 * 60)),
        (&LinkError::TooMany { retry_after: WAIT }, "links", 5, minutes(60)),
    ];
    for (error, limit, quota, window) in errors {
        check(error, Throttled(Exceeded { limit, quota, window, retry_after: WAIT }), "RATE_LIMITED");
    }
}

#[test]
fn no_text_of_an_error_shows_its_cause() {
    let cause = "postgres://user:secret@host";
    let errors: [&dyn Classify; 4] = [
        &StoreError::Unavailable(cause.into()),
        &AuthError::from(StoreError::Unexpected(cause.into())),
        &AuthError::Passwords(PasswordsError::Failed(cause.into())),
        &AuthError::Tokens(TokensError::Failed(cause.into())),
    ];
    for error in errors {
        assert!(!error.to_string().contains("secret"), "{error}");
        let causes: Vec<String> =
            iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect();
        assert!(causes.iter().any(|text| text.contains("secret")), "the log needs the cause of {error}");
    }
}
