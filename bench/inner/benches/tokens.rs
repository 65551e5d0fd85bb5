//! What it takes to verify an access token, for each algorithm: one that was seen before, and one that was not.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use holdfast_application::{
    domain::{SessionId, Timestamp, TokenId, UserId, users::Role},
    ports::{AccessClaims, Expiry, Tokens as _},
};
use holdfast_infrastructure::tokens::{JwtOptions, JwtTokens, Key, KeyRing, Secret};
use holdfast_testkit::keys::{ED25519, RSA};
use uuid::Uuid;

const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds).expect("lies in the years 1 to 9999")
}

fn tokens(key: Key) -> JwtTokens {
    let options = JwtOptions {
        issuer: "holdfast".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::new(key), Vec::new()).expect("the key signs"),
        longest_access: Duration::from_hours(24),
        longest_refresh: Duration::from_hours(24),
        legacy: None,
    };
    JwtTokens::new(options).expect("the names are not empty")
}

fn claims(number: u128) -> AccessClaims {
    AccessClaims {
        user: UserId::new(Uuid::from_u128(number)),
        session: SessionId::new(Uuid::from_u128(number)),
        id: TokenId::new(Uuid::from_u128(number)),
        email: "ann@example.com".to_owned(),
        name: Some("Ann".to_owned()),
        role: Role::User,
        issued_at: at(NOW),
        expires_at: at(NOW + 900),
    }
}

fn verification(criterion: &mut Criterion) {
    let pem = |text: &str| Key::from_pem(text.as_bytes()).expect("a key of the testkit").0;
    let secret = Secret::new(b"a secret of this deployment, long enough".to_vec());
    for (name, key) in
        [("HS256", Key::hs256(&secret).expect("not empty")), ("EdDSA", pem(ED25519)), ("RS256", pem(RSA))]
    {
        let tokens = tokens(key);
        let mut group = criterion.benchmark_group(format!("verify an access token, {name}"));
        let token = tokens.sign_access(&claims(0)).expect("the key signs");
        let verify = |token: &str| tokens.verify_access(token, at(NOW + 1), Expiry::Enforced).is_ok();
        group.bench_function("seen before", |bench| bench.iter(|| verify(black_box(&token))));
        let mut number = 0;
        let mut new = || {
            number += 1;
            tokens.sign_access(&claims(number)).expect("the key signs")
        };
        group.bench_function("new", |bench| {
            bench.iter_batched(&mut new, |token| verify(&token), BatchSize::SmallInput)
        });
        group.finish();
    }
}

criterion_group!(benches, verification);
criterion_main!(benches);
