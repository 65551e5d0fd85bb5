//! Why nothing can be written.

/// Why the store writes nothing at the moment. Reads may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WriteOutage {
    /// It cannot be reached, or does not answer in time.
    #[error("the database cannot be reached")]
    Unreachable,
    /// There is no room left.
    #[error("the disk of the database is full")]
    Full,
    /// It may be read and not written.
    #[error("the database is read-only")]
    ReadOnly,
    /// Somebody else has held the right to write for longer than a call may wait.
    #[error("another process holds the database")]
    Locked,
    /// What is stored contradicts itself.
    #[error("the database is damaged")]
    Damaged,
    /// The file was deleted, moved or replaced: what would be written now would be lost.
    #[error("the database was deleted or replaced")]
    Replaced,
    /// The system reports an error of the disk.
    #[error("the disk of the database fails")]
    Failing,
}

impl WriteOutage {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unreachable,
        Self::Full,
        Self::ReadOnly,
        Self::Locked,
        Self::Damaged,
        Self::Replaced,
        Self::Failing,
    ];

    /// The stable name for whoever supervises the instance.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "database_unreachable",
            Self::Full => "database_full",
            Self::ReadOnly => "database_read_only",
            Self::Locked => "database_locked",
            Self::Damaged => "database_damaged",
            Self::Replaced => "database_replaced",
            Self::Failing => "database_failing",
        }
    }
}
