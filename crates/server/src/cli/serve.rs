//! `holdfast serve`: build the application, say where it is, and run it until it is told to stop.

use anyhow::Context;

use super::log_warnings;
use crate::{
    compose::Application,
    reload::{Hangups, Reload},
    settings::{Settings, Sources, Warning},
    traces::Traces,
};

/// Runs until SIGTERM or Ctrl-C and then lets requests in flight finish.
pub(super) async fn run(sources: Sources, settings: &Settings, warnings: &[Warning]) -> anyhow::Result<()> {
    // First of all: without a listener the signal ends the process.
    let hangups = Hangups::listen().context("cannot listen for SIGHUP")?;
    let (traces, recording) = settings.traces.export.as_ref().map(Traces::start).transpose()?.unzip();
    let (filter, _written) =
        crate::telemetry::start_serving(&settings.telemetry, recording).context("cannot start logging")?;
    log_warnings(warnings);
    #[cfg(unix)]
    crate::connections::allow_many();
    let application = Application::build_traced(settings, traces).await?;
    let base = application.url();
    tracing::info!(
        target: "holdfast::server",
        version = env!("CARGO_PKG_VERSION"),
        environment = settings.environment.as_str(),
        "Holdfast is up. API: {base}/api/v1  Documentation: {base}/api/docs  Database: {}",
        settings.database.url.redacted(),
    );
    if let Some(address) = application.operations_address() {
        tracing::info!(target: "holdfast::server", "Metrics: http://{address}/metrics  Settings: http://{address}/health/config");
    }
    let reload = Reload { sources, hangups, filter };
    application.run_reloading(reload).await.context("the server stopped with an error")?;
    tracing::info!(target: "holdfast::server", "stopped; every accepted request was answered");
    Ok(())
}
