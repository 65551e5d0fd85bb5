//! `holdfast serve`: build the application, say where it is, and run it until it is told to stop.

use anyhow::Context;

use super::log_warnings;
use crate::{
    compose::Application,
    settings::{Settings, Warning},
};

/// Runs until SIGTERM or Ctrl-C and then lets requests in flight finish.
pub(super) async fn run(settings: &Settings, warnings: &[Warning]) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.telemetry);
    log_warnings(warnings);
    let application = Application::build(settings).await?;
    let base = format!("http://{}", application.address());
    tracing::info!(
        target: "holdfast::server",
        version = env!("CARGO_PKG_VERSION"),
        environment = settings.environment.as_str(),
        "Holdfast is up. API: {base}/api/v1  Documentation: {base}/api/docs  Database: {}",
        settings.database.url.redacted(),
    );
    application.run().await.context("the server stopped with an error")?;
    tracing::info!(target: "holdfast::server", "stopped; every accepted request was answered");
    Ok(())
}
