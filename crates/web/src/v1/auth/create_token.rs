//! `POST /auth/tokens`: a personal access token for a script.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::{CreatePersonalToken, PersonalTokenMade},
    domain::{
        personal_tokens::{TokenLife, TokenName, TokenScopes},
        second_factors::Code,
        sessions::Client,
        users::Password,
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{second_factor::optional_code, tokens::PersonalTokenBody};
use crate::{
    common::{
        State,
        auth::LiveCaller,
        client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Written, token_life, token_name, token_scopes},
        openapi::{Always, Confirmed, Full, Throttled, WithBody, token_scopes_schema},
    },
};

/// What the token is for, and the password that confirms the wish.
#[derive(ToSchema)]
pub(crate) struct CreateTokenRequest {
    /// Trimmed; not blank. Two tokens may have the same.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "nightly backup")]
    name: TokenName,
    /// What it may do; nothing else.
    #[schema(schema_with = token_scopes_schema)]
    scopes: TokenScopes,
    /// After so many days it is good for nothing.
    #[schema(value_type = u16, minimum = 1, maximum = 366, default = 90, required = false)]
    expires_in_days: TokenLife,
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

impl FromFields for CreateTokenRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", token_name);
        let scopes = fields.required("scopes", token_scopes);
        let expires_in_days = fields.non_null("expires_in_days", token_life);
        let password = fields.required("password", text).map(Password::new);
        let code = optional_code(fields);
        Some(Self {
            name: name?,
            scopes: scopes?,
            expires_in_days: expires_in_days?.unwrap_or_default(),
            password: password?,
            code: code?,
        })
    }
}

impl CreateTokenRequest {
    fn wish(self, client: Client) -> CreatePersonalToken {
        let Self { name, scopes, expires_in_days, password, code } = self;
        CreatePersonalToken { name, scopes, life: expires_in_days, password, code, client }
    }
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewToken {
    /// The token itself. No other answer ever shows it again.
    #[schema(example = "hfp_AZC0Ln86fMGbagEjRWeJqw…")]
    token: String,
    #[serde(flatten)]
    known: PersonalTokenBody,
}

impl From<PersonalTokenMade> for NewToken {
    fn from(made: PersonalTokenMade) -> Self {
        let PersonalTokenMade { token, text } = made;
        Self { token: text.expose().to_owned(), known: token.into() }
    }
}

/// Makes a personal access token, which a script sends as its bearer token. It is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/auth/tokens", tag = "auth", operation_id = "create_own_token", request_body = CreateTokenRequest,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 201, description = "The token", body = Written<NewToken>),
        Confirmed, Full, WithBody, Throttled, Always))]
pub(crate) async fn create_token(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<CreateTokenRequest>,
) -> Result<HttpResponse, Fault> {
    let client = client_ip::client(&request, &state.trusted_proxies());
    let wish = body.read().await?.wish(client);
    let made = state.services().auth.create_personal_token(caller.0, wish).await?;
    Ok(HttpResponse::Created().json(Written::silent(NewToken::from(made))))
}
