//! More requests at once than one worker takes on, on a clock that the test moves.

use actix_web::http::Method;
use futures_util::{future::join_all, stream};
use tokio::time::{Duration, advance, pause};

use crate::app::{Chunks, TestApp};

/// As many as docs/security.md tells.
const AT_ONCE: usize = 1_024;

#[actix_web::test]
async fn whoever_comes_when_a_worker_has_enough_to_do_is_told_to_come_back() {
    let app = TestApp::new().await;
    let person = app.person().await;
    pause();
    let slow = || {
        let never: Chunks = Box::pin(stream::pending());
        person.ask(Method::POST, "/api/v1/tasks").chunks(never).send()
    };
    let crowd = join_all((0..AT_ONCE).map(|_| slow()));
    let late = async {
        // Until all of the crowd wait for their bodies.
        while person.get("/").send().await.status == 200 {
            tokio::task::yield_now().await;
        }
        for path in ["/api/v1/tasks", "/api/tasks", "/"] {
            let answer = person.get(path).send().await;
            answer.problem(503, "SERVICE_UNAVAILABLE");
            assert_eq!(answer.header("retry-after"), "1");
        }
        app.get("/health/live").send().await.expect(200);
        advance(Duration::from_secs(11)).await;
    };
    let (answers, ()) = tokio::join!(crowd, late);
    for answer in answers {
        answer.problem(408, "REQUEST_TIMEOUT");
    }
    person.get("/api/v1/tasks").send().await.expect(200);
}
