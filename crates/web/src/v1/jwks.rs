//! The public keys with which anybody can verify our tokens (RFC 7517). Which there are is the token port's to say.

use actix_web::{HttpResponse, http::header};
use holdfast_application::ports::{PublicKey, PublicParameters};
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::State;

/// For so long anybody may go on with the keys they know: a new one is published at least this long before it signs.
const CACHING: &str = "public, max-age=300";
const MEDIA_TYPE: &str = "application/jwk-set+json";

/// The keys that sign tokens, or will, or did; none where a secret signs.
#[derive(Serialize, ToSchema)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

/// A public key. Members that its type does not have are left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct Jwk {
    /// `OKP` (RFC 8037) or `RSA` (RFC 7518).
    #[schema(example = "OKP")]
    kty: &'static str,
    /// The `kid` of the tokens that it verifies: the key's thumbprint (RFC 7638).
    kid: String,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// `EdDSA` or `RS256`; the key is for no other.
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ed25519")]
    crv: Option<&'static str>,
    /// The public key of type `OKP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    /// The modulus of a key of type `RSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    /// Its exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
}

impl From<PublicKey> for Jwk {
    fn from(PublicKey { id: kid, parameters }: PublicKey) -> Self {
        let usage = "sig";
        match parameters {
            PublicParameters::Ed25519 { x } => Self {
                kty: "OKP",
                kid,
                usage,
                alg: "EdDSA",
                crv: Some("Ed25519"),
                x: Some(x),
                n: None,
                e: None,
            },
            PublicParameters::Rsa { n, e } => {
                Self { kty: "RSA", kid, usage, alg: "RS256", crv: None, x: None, n: Some(n), e: Some(e) }
            }
        }
    }
}

/// The public keys of this deployment. No secret is ever among them.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "auth",
    responses((status = 200, description = "The keys, those that sign now first", body = JwkSet,
        content_type = "application/jwk-set+json",
        headers(("Cache-Control" = String, description = "`public, max-age=300`")))))]
pub(crate) async fn jwks(state: State) -> HttpResponse {
    let keys = state.services().auth.public_keys().into_iter().map(Jwk::from).collect();
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((header::CACHE_CONTROL, CACHING))
        .json(JwkSet { keys })
}
