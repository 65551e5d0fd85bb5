//! How long things are kept whose keeping is the operator's to decide. When everything else goes is the application's.

use std::time::Duration;

use validator::Validate;

use super::describe::Effective;
use super::reader::Reader;

const HISTORY: &str = "AUDIT_RETENTION_DAYS";
const HOURS_A_DAY: u64 = 24;

/// What is kept for how long.
#[derive(Debug, Clone, Validate)]
pub struct HousekeepingSettings {
    /// Days, 31–3650. Instances learn from the history which accounts were deleted, as long as a token of theirs can live: 30 days.
    #[validate(range(min = 31, max = 3650, code = "AUDIT_RETENTION_DAYS"))]
    pub audit_retention_days: u32,
}

impl HousekeepingSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let section = Self { audit_retention_days: reader.number(HISTORY) };
        reader.check(&section);
        section
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { audit_retention_days } = self;
        vec![(HISTORY, Some(audit_retention_days.to_string()))]
    }

    /// How long an entry of the security history is kept.
    pub fn audit_retention(&self) -> Duration {
        Duration::from_hours(u64::from(self.audit_retention_days) * HOURS_A_DAY)
    }
}
