//! Names in rows that a later version may have written. While versions take turns, an older one reads rows of a newer.

/// A stored name: of a value that this version knows, or one that only a newer version knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stored<T> {
    /// One of ours.
    Known(T),
    /// The name as it is stored. It can be shown and handed on, and nothing is decided by it.
    Newer(String),
}

impl<T: Copy> Stored<T> {
    /// What a stored name means. `known` finds the value with a name.
    pub fn read(name: String, known: impl FnOnce(&str) -> Option<T>) -> Self {
        known(&name).map_or_else(|| Self::Newer(name), Self::Known)
    }

    /// The name as it is stored. `name` tells that of a value.
    pub fn name(&self, name: impl FnOnce(T) -> &'static str) -> &str {
        match self {
            Self::Known(value) => name(*value),
            Self::Newer(stored) => stored,
        }
    }

    /// The value, if it is one of ours.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Newer(_) => None,
        }
    }
}

impl<T> From<T> for Stored<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::EventKind;

    #[test]
    fn every_name_comes_back_whether_or_not_it_is_known() {
        for name in EventKind::ALL.map(EventKind::name).into_iter().chain(["", "whim"]) {
            let stored = Stored::read(name.to_owned(), EventKind::from_name);
            assert_eq!(stored.name(EventKind::name), name);
            assert_eq!(stored.known(), EventKind::from_name(name));
        }
    }
}
