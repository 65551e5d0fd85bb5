//! What an answer takes but for the sockets and the database: middleware, routing, reading the request, the use case and the JSON.
//! The store is the one in memory.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    body::to_bytes,
    http::StatusCode,
    rt::System,
    test::{TestRequest, call_service, init_service},
};
use criterion::{Criterion, criterion_group, criterion_main};
use holdfast_application::{
    Adapters, Services,
    auth::{AuthPolicy, Throttling},
    domain::{SessionId, TokenId},
    page::CursorKey,
    ports::{AccessClaims, Repositories as _, Store, Tokens as _},
};
use holdfast_infrastructure::tokens::{JwtOptions, JwtTokens, Key, KeyRing, Secret};
use holdfast_testkit::{
    CountedSecrets, FixedClock, MemoryOutbox, MemoryStore, PlainPasswords, PlainVault, SequentialIds,
    fixtures,
};
use holdfast_web::{RateLimit, TraceOptions, WebOptions, WebState, app};
use uuid::Uuid;

const TASKS: usize = 50;

fn tokens() -> JwtTokens {
    let secret = Secret::new(b"a secret of this deployment, long enough".to_vec());
    let options = JwtOptions {
        issuer: "holdfast".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::new(Key::hs256(&secret).expect("not empty")), Vec::new())
            .expect("the key signs"),
        longest_access: Duration::from_hours(24),
        longest_refresh: Duration::from_hours(24 * 30),
        legacy: None,
    };
    JwtTokens::new(options).expect("the names are not empty")
}

/// The application, a bearer's token and the path of one of their tasks.
async fn furnished() -> (WebState, String, String) {
    let (store, tokens) = (Arc::new(MemoryStore::default()), Arc::new(tokens()));
    let (clock, ids) = (Arc::new(FixedClock::default()), Arc::new(SequentialIds::default()));
    let account = fixtures::account().build();
    store.users().insert(&account).await.expect("an account");
    let mut path = String::new();
    for number in 0..TASKS {
        let task = fixtures::task(account.user.id)
            .title(&format!("Task number {number}"))
            .description("with \"some\" words that have to be escaped")
            .build();
        store.tasks().insert(&task).await.expect("a task");
        path = format!("/api/v1/tasks/{}", task.id);
    }
    let claims = AccessClaims {
        user: account.user.id,
        session: SessionId::new(Uuid::from_u128(1)),
        id: TokenId::new(Uuid::from_u128(2)),
        email: account.user.email.as_str().to_owned(),
        name: None,
        role: account.user.role,
        issued_at: fixtures::epoch(),
        expires_at: fixtures::at(900),
    };
    let bearer = format!("Bearer {}", tokens.sign_access(&claims).expect("the key signs"));
    let adapters = Adapters {
        store: store as Arc<dyn Store>,
        passwords: Arc::new(PlainPasswords::default()),
        tokens,
        clock: clock.clone(),
        ids: ids.clone(),
        randomness: Arc::new(CountedSecrets::default()),
        outbox: Arc::new(MemoryOutbox::default()),
        vault: Arc::new(PlainVault::default()),
    };
    let policy = AuthPolicy {
        access: Duration::from_mins(15),
        long_lived: Duration::from_hours(24),
        sessions: fixtures::LIFETIMES,
    };
    let services = Services::new(adapters, policy, CursorKey::derive(b"bench"), Throttling::off());
    let options = WebOptions {
        allowed_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        rate_limit: RateLimit::Off,
        version: "bench",
        production: true,
        require_if_match: false,
        traces: TraceOptions { believes_callers: false, encrypted: false, places: None },
    };
    (WebState::new(services, clock, ids, options), bearer, path)
}

fn answers(criterion: &mut Criterion) {
    let system = System::new();
    let (state, bearer, one) = system.block_on(furnished());
    let service = system.block_on(init_service(app(&state)));
    let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
    let list = format!("/api/v1/tasks?limit={TASKS}");
    let mut group = criterion.benchmark_group("answer");
    let requests = [
        ("get one", "GET", one.as_str(), "", StatusCode::OK),
        ("list 50", "GET", &list, "", StatusCode::OK),
        ("update", "PATCH", &one, r#"{"completed":true}"#, StatusCode::OK),
        ("refused: an empty title", "PATCH", &one, r#"{"title":""}"#, StatusCode::UNPROCESSABLE_ENTITY),
        ("not found", "GET", "/api/v1/nothing", "", StatusCode::NOT_FOUND),
    ];
    for (name, method, path, body, status) in requests {
        let ask = async || {
            let request = TestRequest::with_uri(path)
                .method(method.parse().expect("a method"))
                .peer_addr(peer)
                .insert_header(("authorization", bearer.as_str()))
                .insert_header(("content-type", "application/json"))
                .set_payload(body);
            let answer = call_service(&service, request.to_request()).await;
            assert_eq!(answer.status(), status, "{name}");
            to_bytes(answer.into_body()).await.map(|body| body.len()).unwrap_or_default()
        };
        group.bench_function(name, |bench| bench.iter(|| system.block_on(ask())));
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
