//! Attacks that key pairs bring: everybody knows the public half.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::{CALLS, bearer, call};
use crate::{
    app::TestApp,
    forge::{BOTH_KINDS, Genuine, SECRET, hs256, with_signature},
};

/// The key pair of RFC 8410, §10.
const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

/// Everybody knows the public half of a key pair: whatever of it is used as the secret of an HMAC, the key stays what it is.
#[tokio::test]
async fn the_public_half_of_a_key_is_no_secret_to_sign_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing.pem");
    fs::write(&file, PRIVATE_PEM).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let directory = folder.path().to_str().unwrap();
    let pair = [("JWT_ALGORITHM", "EdDSA"), ("JWT_KEY_DIRECTORY", directory)];
    let app = TestApp::on_sqlite(&[&BOTH_KINDS[..], &pair].concat());
    let ada = app.person("ada").await;
    let genuine = Genuine::read(&ada.access);
    assert_eq!(genuine.header.written("alg"), r#""EdDSA""#);
    let set = app.get("/.well-known/jwks.json").await;
    let jwk = &set.body["keys"][0];
    let x = jwk["x"].as_str().unwrap();
    let body = PUBLIC_PEM.lines().nth(1).unwrap();
    let public = [
        PUBLIC_PEM.into(),
        PUBLIC_PEM.trim_end().into(),
        STANDARD.decode(body).unwrap(),
        body.into(),
        x.into(),
        URL_SAFE_NO_PAD.decode(x).unwrap(),
        jwk.to_string().into_bytes(),
        set.text.clone().into_bytes(),
        genuine.kid().into_bytes(),
        SECRET.into(),
    ];
    for key in &public {
        for alg in ["HS256", "EdDSA", "none", "RS256"] {
            let header = genuine.header.with("alg", json!(alg));
            for header in [header.clone(), header.and("jwk", jwk), header.without("kid")] {
                let forged = with_signature(genuine.message(header.json()), hs256, key);
                let answer = call(&app, CALLS[0], bearer(&forged).unwrap()).await;
                assert_eq!(answer.problem(401), "TOKEN_INVALID", "{}", header.json());
            }
        }
    }
    assert!(app.knows(&ada.access).await);
}
