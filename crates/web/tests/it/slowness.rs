//! Bodies that take their time, on a clock that the test moves.

use std::time::Duration;

use actix_web::{error::PayloadError, http::Method, web::Bytes};
use futures_util::stream;
use tokio::time::{Instant, pause, sleep};

use crate::app::{Chunks, TestApp};

/// One byte at a time, with a pause before each.
fn dripping(body: &'static [u8], every: Duration) -> Chunks {
    Box::pin(stream::unfold(body, move |rest| async move {
        let (first, rest) = rest.split_at_checked(1)?;
        sleep(every).await;
        Some((Ok::<_, PayloadError>(Bytes::from_static(first)), rest))
    }))
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_is_408_after_ten_seconds() {
    let app = TestApp::new().await;
    let person = app.person().await;
    pause();
    for path in ["/api/v1/tasks", "/api/tasks"] {
        let started = Instant::now();
        let ask = person.ask(Method::POST, path).chunks(Box::pin(stream::pending()));
        ask.send().await.problem(408, "REQUEST_TIMEOUT");
        assert_eq!(started.elapsed().as_secs(), 10);
    }
}

#[actix_web::test]
async fn a_slow_body_may_outlast_the_time_of_a_request() {
    let app = TestApp::new().await;
    let person = app.person().await;
    pause();
    let body = dripping(br#"{"title":"x"}"#, Duration::from_millis(700));
    person.ask(Method::POST, "/api/v1/tasks").chunks(body).send().await.expect(201);
}

#[actix_web::test]
async fn a_body_that_breaks_off_is_malformed() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let broken: Chunks =
        Box::pin(stream::iter([Ok(Bytes::from_static(b"{\"title\":")), Err(PayloadError::Incomplete(None))]));
    person.ask(Method::POST, "/api/v1/tasks").chunks(broken).send().await.problem(400, "INVALID_JSON");
}

#[actix_web::test]
async fn a_body_without_an_announced_length_is_measured_on_arrival() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let endless: Chunks = Box::pin(stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 8_192]))));
    person.ask(Method::POST, "/api/v1/tasks").chunks(endless).send().await.problem(413, "PAYLOAD_TOO_LARGE");
}
