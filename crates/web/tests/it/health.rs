//! What monitors and load balancers ask.

use holdfast_application::ports::StoreError;
use serde_json::json;

use crate::app::TestApp;

#[actix_web::test]
async fn a_healthy_instance_says_so() {
    let app = TestApp::new().await;
    for (path, status) in [
        ("/health", "healthy"),
        ("/health/live", "healthy"),
        ("/health/db", "database connected"),
        ("/health/auth", "authentication system operational"),
    ] {
        assert_eq!(app.get(path).send().await.expect(200), json!({ "status": status }), "{path}");
    }
    assert_eq!(app.get("/health/ready").send().await.expect(200)["status"], "ready");
}

#[actix_web::test]
async fn a_lost_database_shows_where_it_is_asked_for() {
    let app = TestApp::new().await;
    for path in ["/health/ready", "/health/db"] {
        app.store.fail_next(StoreError::Unavailable("gone".into()));
        app.get(path).send().await.problem(503, "SERVICE_UNAVAILABLE");
    }
    app.store.fail_next(StoreError::Unavailable("gone".into()));
    for path in ["/health", "/health/live", "/health/auth"] {
        app.get(path).send().await.expect(200);
    }
    assert!(app.store.is_armed(), "nothing asked the store");
}

#[actix_web::test]
async fn a_draining_instance_is_alive_and_not_ready() {
    let app = TestApp::new().await;
    app.state.readiness().start_draining();
    app.get("/health/ready").send().await.problem(503, "SERVICE_UNAVAILABLE");
    for path in ["/health", "/health/live", "/health/db"] {
        app.get(path).send().await.expect(200);
    }
}
