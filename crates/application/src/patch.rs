//! What a merge patch (RFC 7396) says about one optional value.

/// Absent, null, or a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Nothing is said: the value stays.
    #[default]
    Keep,
    /// Null: the value goes.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Clears or sets, never keeps: what a full replacement says.
    pub fn replace(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// Carries the patch out on `target`.
    pub fn apply(self, target: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *target = None,
            Self::Set(value) => *target = Some(value),
        }
    }
}
