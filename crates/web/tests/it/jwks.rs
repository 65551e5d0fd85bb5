//! The public keys that everybody may fetch.

use holdfast_application::ports::{PublicKey, PublicParameters};
use serde_json::json;

use crate::app::{ORIGIN, TestApp};

const PATH: &str = "/.well-known/jwks.json";

#[actix_web::test]
async fn without_key_pairs_the_set_is_empty() {
    let app = TestApp::new().await;
    assert_eq!(app.get(PATH).send().await.expect(200), json!({ "keys": [] }));
}

#[actix_web::test]
async fn keys_are_shown_as_json_web_keys_in_the_order_of_the_port() {
    let app = TestApp::new().await;
    let [x, n, e] = ["AQAx", "AQAn", "AQAB"].map(str::to_owned);
    app.tokens.publish(vec![
        PublicKey { id: "k2".to_owned(), parameters: PublicParameters::Rsa { n, e } },
        PublicKey { id: "k1".to_owned(), parameters: PublicParameters::Ed25519 { x } },
    ]);
    let expected = json!({ "keys": [
        { "kty": "RSA", "kid": "k2", "use": "sig", "alg": "RS256", "n": "AQAn", "e": "AQAB" },
        { "kty": "OKP", "kid": "k1", "use": "sig", "alg": "EdDSA", "crv": "Ed25519", "x": "AQAx" },
    ] });
    assert_eq!(app.get(PATH).send().await.expect(200), expected);
}

#[actix_web::test]
async fn the_set_may_be_kept_for_five_minutes_and_read_by_known_origins() {
    let app = TestApp::new().await;
    let answer = app.get(PATH).header("origin", ORIGIN).send().await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let refused = app.post(PATH, &json!({})).send().await;
    refused.problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(refused.header("cache-control"), "no-store");
}
