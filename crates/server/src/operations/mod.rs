//! What operators see of a running instance: its figures and its effective settings, on a listener of their own or, for
//! developers, beside the API. What is counted lies where the work is done; nothing is decided here.

mod figures;
mod listener;
mod page;
mod process;
mod schema;

use std::{fmt, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    web,
};
use holdfast_application::domain::Timestamp;
use prometheus_client::registry::Registry;
use serde_json::json;

pub(crate) use figures::Figures;
pub(crate) use listener::Listener;
pub(crate) use schema::Schema;

use crate::{reload::ReloadStatus, settings::Settings};

const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The pages. Cloning shares what they show.
#[derive(Clone)]
pub(crate) struct Operations {
    registry: Arc<Registry>,
    settings: Arc<Start>,
}

/// What a page about settings tells besides those that hold at the moment.
struct Start {
    environment: &'static str,
    at: Timestamp,
    status: ReloadStatus,
}

impl Operations {
    /// Pages about `figures`, and about the settings that hold from `started_at` on, and after each reload.
    pub(crate) fn new(
        figures: Figures,
        settings: &Settings,
        status: ReloadStatus,
        started_at: Timestamp,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(figures));
        let settings = Start { environment: settings.environment.as_str(), at: started_at, status };
        Self { registry: Arc::new(registry), settings: Arc::new(settings) }
    }

    /// Puts the pages into an application.
    pub(crate) fn register(&self, config: &mut web::ServiceConfig) {
        let metrics = self.clone();
        let metrics = move |request: HttpRequest| {
            let answer = metrics.metrics(&request);
            async move { answer }
        };
        let settings = self.clone();
        let settings = move || {
            let answer = settings.effective();
            async move { answer }
        };
        config
            .service(web::resource("/metrics").route(web::get().to(metrics)))
            .service(web::resource("/health/config").route(web::get().to(settings)));
    }

    /// `OpenMetrics` for whoever asks for it, the older text of Prometheus for everybody else.
    fn metrics(&self, request: &HttpRequest) -> HttpResponse {
        let accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
        let open = accepted.into_iter().any(|value| value.contains(OPEN_METRICS));
        match page::write(&self.registry, open) {
            Ok(text) => answer(if open { OPEN_METRICS_TYPE } else { TEXT_TYPE }, text),
            Err(fmt::Error) => HttpResponse::InternalServerError().finish(),
        }
    }

    fn effective(&self) -> HttpResponse {
        let Start { environment, at, status } = &*self.settings;
        let in_force = status.in_force();
        let told = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "environment": environment,
            "started_at": at.to_string(),
            "settings": in_force.settings,
            "reload": in_force.reload,
        });
        answer("application/json", told.to_string())
    }
}

fn answer(media_type: &'static str, text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}
