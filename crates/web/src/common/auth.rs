//! Who is calling: the bearer token of a request and the caller that it names.

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
};
use holdfast_application::{
    Actor,
    auth::{Auth, AuthError},
    domain::personal_tokens::TokenScope,
};

use super::{State, fault::Fault, request_id::Context};

/// An authenticated caller, in a session. Handlers take it first and read the rest of the request themselves, so that nothing
/// of a request is judged before its token is. No personal access token gets in.
pub(crate) struct Caller(pub(crate) Actor);

/// A caller whose session was read from its row just now, whatever this instance remembers: for what shows sessions, ends
/// them, or tells whether a token is good (semantics §1).
pub(crate) struct LiveCaller(pub(crate) Actor);

/// A caller who reads tasks: in a session, or with a personal access token of the scope `tasks:read`. What takes neither this
/// nor [`TaskWriter`] takes no personal access token.
pub(crate) struct TaskReader(pub(crate) Actor);

/// A caller who writes tasks: in a session, or with a personal access token of the scope `tasks:write`.
pub(crate) struct TaskWriter(pub(crate) Actor);

/// The challenge to a token that is good, and not for this.
const INSUFFICIENT_SCOPE: &str = r#"Bearer realm="holdfast", error="insufficient_scope""#;

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, Fault>>>>;

impl FromRequest for Caller {
    type Error = Fault;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = identified(request, async |auth, token| auth.authenticate(token).await);
        Box::pin(async move { identified.await.map(Self) })
    }
}

impl FromRequest for LiveCaller {
    type Error = Fault;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = identified(request, async |auth, token| auth.authenticate_by_row(token).await);
        Box::pin(async move { identified.await.map(Self) })
    }
}

impl FromRequest for TaskReader {
    type Error = Fault;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = scoped(request, TokenScope::TasksRead);
        Box::pin(async move { identified.await.map(Self) })
    }
}

impl FromRequest for TaskWriter {
    type Error = Fault;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = scoped(request, TokenScope::TasksWrite);
        Box::pin(async move { identified.await.map(Self) })
    }
}

/// Who is calling, in a session or with a personal access token of this scope.
fn scoped(request: &HttpRequest, scope: TokenScope) -> impl Future<Output = Result<Actor, Fault>> + use<> {
    identified(request, async move |auth, token| auth.authenticate_for(token, scope).await)
}

/// Who is calling, as `authenticate` finds it; the log is told as well.
fn identified<A>(
    request: &HttpRequest,
    authenticate: A,
) -> impl Future<Output = Result<Actor, Fault>> + use<A>
where
    A: AsyncFnOnce(&Auth, &str) -> Result<Actor, AuthError>,
{
    let token = bearer(request.headers()).map(str::to_owned);
    let state = request.app_data::<State>().cloned();
    let context = Context::of(request);
    async move {
        let token = token?;
        let state = state.ok_or_else(|| Fault::unexpected("the application has no state"))?;
        let actor = authenticate(&state.services().auth, &token).await.map_err(refused)?;
        if let Some(context) = context {
            context.identify(actor.user);
        }
        Ok(actor)
    }
}

/// RFC 6750 §3.1: a token that is good and not for this is told which scope is missing, where there is one.
fn refused(error: AuthError) -> Fault {
    let challenge = if let AuthError::ScopeMissing(scope) = &error {
        format!(r#"{INSUFFICIENT_SCOPE}, scope="{}""#, scope.name())
    } else if matches!(error, AuthError::PersonalTokenRefused) {
        INSUFFICIENT_SCOPE.to_owned()
    } else {
        return error.into();
    };
    Fault::from(error).with_header(header::WWW_AUTHENTICATE, challenge)
}

/// The token of the only `Authorization` header (RFC 6750 §2.1). The scheme is read in any case.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Err(Fault::token_missing()) };
    if values.next().is_some() {
        return Err(Fault::token_invalid());
    }
    let bytes = value.as_bytes().trim_ascii();
    let at = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    let (scheme, rest) = bytes.split_at(at);
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(Fault::token_missing());
    }
    let token = std::str::from_utf8(rest.trim_ascii()).unwrap_or_default();
    let plausible = !token.is_empty() && !token.contains(' ');
    if plausible { Ok(token) } else { Err(Fault::token_invalid()) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn told(values: &[&str]) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        bearer(&headers).map(str::to_owned).map_err(|fault| fault.code())
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(told(&["Bearer abc"]), Ok("abc".to_owned()));
        assert_eq!(told(&["bEaReR abc"]), Ok("abc".to_owned()));
    }

    #[test]
    fn no_header_and_another_scheme_count_as_missing() {
        assert_eq!(told(&[]), Err("TOKEN_MISSING"));
        assert_eq!(told(&["Basic abc"]), Err("TOKEN_MISSING"));
        assert_eq!(told(&["Bearerabc"]), Err("TOKEN_MISSING"));
    }

    #[test]
    fn two_headers_and_an_empty_token_are_invalid() {
        assert_eq!(told(&["Bearer a", "Bearer a"]), Err("TOKEN_INVALID"));
        assert_eq!(told(&["Bearer"]), Err("TOKEN_INVALID"));
        assert_eq!(told(&["Bearer "]), Err("TOKEN_INVALID"));
        assert_eq!(told(&["Bearer a b"]), Err("TOKEN_INVALID"));
        assert_eq!(told(&["Bearer \u{fc}\u{fd}"]), Ok("\u{fc}\u{fd}".to_owned()));
    }
}
