//! What is counted of requests and answers: rate, errors and durations by route template, method and class of status. Every
//! label comes from our own tables, so that there are never more series than the tables allow, whatever clients send.

use std::{collections::HashMap, sync::OnceLock, time::Duration};

use actix_web::http::{Method, StatusCode};
use holdfast_application::{
    ErrorKind,
    measure::{ANSWERS, ByName, Counter, Durations, Level, Measured},
};

use super::fault::{Fault, Meaning};

/// The label of everything that meets no route.
pub(crate) const UNMATCHED: &str = "none";
/// Other methods share the last name (OpenTelemetry HTTP semantic conventions).
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "_OTHER"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The figures of one instance, which all of its workers share.
#[derive(Debug)]
pub struct Traffic {
    /// Complete from the beginning and never changed: looking a route up takes no lock.
    routes: HashMap<String, Route>,
    unmatched: Route,
    in_flight: Level,
    faults: ByName<Counter>,
    throttled: ByName<Counter>,
}

/// One place for each method and class, filled when the first answer of its kind comes.
#[derive(Debug, Default)]
struct Route([[OnceLock<Durations>; CLASSES.len()]; METHODS.len()]);

/// The name of a method in figures and traces.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS.get(method_place(method)).copied().unwrap_or_default()
}

fn method_place(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

impl Route {
    fn of(&self, method: &Method, status: StatusCode) -> Option<&Durations> {
        let method = method_place(method);
        let class = usize::from(status.as_u16() / 100).checked_sub(1)?;
        Some(self.0.get(method)?.get(class)?.get_or_init(|| Durations::new(ANSWERS)))
    }

    fn read(&self, route: &str, answers: &mut Vec<Answers>) {
        for (method, classes) in METHODS.into_iter().zip(&self.0) {
            for (class, durations) in CLASSES.into_iter().zip(classes) {
                let Some(durations) = durations.get() else { continue };
                answers.push(Answers { route: route.to_owned(), method, class, measured: durations.read() });
            }
        }
    }
}

/// Answers of one kind.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The template of the route, or `none` where there was none.
    pub route: String,
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS` or `_OTHER`.
    pub method: &'static str,
    /// `1xx` to `5xx`.
    pub class: &'static str,
    /// From the head of the request to the head of the answer.
    pub measured: Measured,
}

impl Traffic {
    /// Nothing has come yet. `templates` are those that there will ever be.
    pub(crate) fn new(templates: impl IntoIterator<Item = String>) -> Self {
        Self {
            routes: templates.into_iter().map(|template| (template, Route::default())).collect(),
            unmatched: Route::default(),
            in_flight: Level::default(),
            faults: ByName::default(),
            throttled: ByName::default(),
        }
    }

    /// Requests that are being answered.
    pub(crate) fn in_flight(&self) -> &Level {
        &self.in_flight
    }

    /// An answer whose head is ready.
    pub(crate) fn answered(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.unmatched);
        if let Some(durations) = route.of(method, status) {
            durations.add(took);
        }
    }

    /// An answer that tells a fault.
    pub(crate) fn told(&self, fault: &Fault) {
        self.faults.count(fault.code());
        if let Meaning::Application(ErrorKind::Throttled(exceeded)) = fault.meaning() {
            self.throttled.count(exceeded.limit);
        }
    }

    /// How many requests are being answered.
    pub fn requests_in_flight(&self) -> u64 {
        self.in_flight.read()
    }

    /// Every kind of answers that was given, in the order of their routes.
    pub fn answers(&self) -> Vec<Answers> {
        let mut routes: Vec<_> = self.routes.iter().collect();
        routes.sort_unstable_by_key(|(template, _)| *template);
        let mut answers = Vec::new();
        for (template, route) in routes {
            route.read(template, &mut answers);
        }
        self.unmatched.read(UNMATCHED, &mut answers);
        answers
    }

    /// How often each problem code was told.
    pub fn faults(&self) -> Vec<(&'static str, u64)> {
        self.faults.read()
    }

    /// How often each limit turned somebody away.
    pub fn throttled(&self) -> Vec<(&'static str, u64)> {
        self.throttled.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_clients_send_there_are_only_the_series_of_our_tables() {
        let traffic = Traffic::new(["/tasks/{id}".to_owned()]);
        let odd = Method::from_bytes(b"BREW").unwrap();
        for n in 0..1_000 {
            let path = format!("/tasks/{n}");
            for method in [&Method::GET, &odd] {
                traffic.answered(Some(&path), method, StatusCode::NOT_FOUND, Duration::ZERO);
            }
        }
        traffic.answered(Some("/tasks/{id}"), &Method::GET, StatusCode::OK, Duration::ZERO);
        traffic.answered(None, &Method::GET, StatusCode::NOT_FOUND, Duration::ZERO);
        let answers = traffic.answers();
        let told: Vec<_> = answers
            .iter()
            .map(|Answers { route, method, class, measured }| {
                (route.as_str(), *method, *class, measured.count)
            })
            .collect();
        let expected = [
            ("/tasks/{id}", "GET", "2xx", 1),
            (UNMATCHED, "GET", "4xx", 1_001),
            (UNMATCHED, "_OTHER", "4xx", 1_000),
        ];
        assert_eq!(told, expected);
    }
}
