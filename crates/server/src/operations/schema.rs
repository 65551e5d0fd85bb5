//! How many migrations the database had when this instance started.

use migration::Runner;

/// Numbers of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schema {
    /// Applied, those of newer versions among them.
    pub(crate) applied: u64,
    /// Known to this version and not applied.
    pub(crate) pending: u64,
}

impl Schema {
    /// Reads the journal; nothing where that fails, which keeps nobody from serving.
    pub(crate) async fn read(runner: &Runner) -> Option<Self> {
        let statuses = runner.status().await.ok()?;
        let applied = statuses.iter().filter(|status| status.applied_at.is_some()).count();
        Some(Self { applied: applied as u64, pending: (statuses.len() - applied) as u64 })
    }
}
