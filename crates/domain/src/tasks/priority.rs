//! The four quadrants of the Eisenhower matrix, in the order in which they sort.

use std::str::FromStr;

/// Urgency and importance. The order of the variants is the rank: most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Rank 0, `urgent_important`.
    UrgentImportant,
    /// Rank 1, `not_urgent_important`.
    NotUrgentImportant,
    /// Rank 2, `urgent_not_important`.
    UrgentNotImportant,
    /// Rank 3, `not_urgent_not_important`; what a new task has when nothing is said.
    NotUrgentNotImportant,
}

/// The text is none of the four names; they are case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be urgent_important, not_urgent_important, urgent_not_important or not_urgent_not_important")]
pub struct InvalidPriority;

impl Priority {
    /// All four by rank.
    pub const ALL: [Self; 4] = [
        Self::UrgentImportant,
        Self::NotUrgentImportant,
        Self::UrgentNotImportant,
        Self::NotUrgentNotImportant,
    ];

    /// 0 (urgent and important) to 3 (neither): the number that is stored and sorted by.
    pub const fn rank(self) -> i16 {
        match self {
            Self::UrgentImportant => 0,
            Self::NotUrgentImportant => 1,
            Self::UrgentNotImportant => 2,
            Self::NotUrgentNotImportant => 3,
        }
    }

    /// The priority with this rank, if there is one.
    pub fn from_rank(rank: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }

    /// The name that clients read and write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrgentImportant => "urgent_important",
            Self::NotUrgentImportant => "not_urgent_important",
            Self::UrgentNotImportant => "urgent_not_important",
            Self::NotUrgentNotImportant => "not_urgent_not_important",
        }
    }
}

impl FromStr for Priority {
    type Err = InvalidPriority;

    fn from_str(name: &str) -> Result<Self, InvalidPriority> {
        Self::ALL.into_iter().find(|priority| priority.name() == name).ok_or(InvalidPriority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ranks_lead_back_to_the_same_priority() {
        for priority in Priority::ALL {
            assert_eq!(priority.name().parse(), Ok(priority));
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
        }
        assert_eq!(Priority::from_rank(4), None);
        assert_eq!("Urgent_Important".parse::<Priority>(), Err(InvalidPriority));
    }
}
