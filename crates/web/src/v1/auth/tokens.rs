//! `GET /auth/tokens`: the caller's personal access tokens, without what makes them good.

use actix_web::HttpResponse;
use holdfast_application::{
    domain::{PersonalTokenId, Timestamp, personal_tokens::PersonalToken},
    ports::PersonalTokenText,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::LiveCaller,
        fault::Fault,
        values::{shown, zoned, zoned_option},
    },
    v1::{
        json::Written,
        openapi::{Always, Secured, token_scopes_schema},
    },
};

/// What is known of a token.
#[derive(Serialize, ToSchema)]
#[schema(as = PersonalToken)]
pub(crate) struct PersonalTokenBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: PersonalTokenId,
    name: String,
    #[schema(schema_with = token_scopes_schema)]
    scopes: Vec<&'static str>,
    /// How the token begins, to know it by.
    #[schema(example = "hfp_AZC0Ln86fMGbagEj")]
    prefix: String,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From then on it is good for nothing.
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// About when it was used last, to the minute; null before the first time.
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<PersonalToken> for PersonalTokenBody {
    fn from(token: PersonalToken) -> Self {
        let PersonalToken { owner: _, id, name, scopes, created_at, expires_at, last_used_at } = token;
        Self {
            id,
            name: name.as_str().to_owned(),
            scopes: scopes.names().collect(),
            prefix: PersonalTokenText::beginning(id),
            created_at,
            expires_at,
            last_used_at,
        }
    }
}

/// The caller's tokens that are not over, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnTokens {
    tokens: Vec<PersonalTokenBody>,
}

/// Lists the caller's personal access tokens.
#[utoipa::path(get, path = "/api/v1/auth/tokens", tag = "auth", operation_id = "own_tokens",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The tokens", body = Written<OwnTokens>), Secured, Always))]
pub(crate) async fn tokens(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let tokens = state.services().auth.personal_tokens(caller.0).await?;
    let tokens = tokens.into_iter().map(PersonalTokenBody::from).collect();
    Ok(HttpResponse::Ok().json(Written::silent(OwnTokens { tokens })))
}
