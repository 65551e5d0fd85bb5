//! What a personal access token may do. What is in no scope is denied to all of them.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// One thing that a token may do for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    /// Read the owner's tasks.
    TasksRead,
    /// Create, change and delete the owner's tasks. What was written is answered, and nothing else is read.
    TasksWrite,
}

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be tasks:read or tasks:write")]
pub struct InvalidTokenScope;

/// There is no scope among those that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must name at least one scope")]
pub struct NoTokenScope;

impl TokenScope {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::TasksRead, Self::TasksWrite];

    /// The name that is stored and sent, a `scope-token` of RFC 6749 §3.3.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TasksRead => "tasks:read",
            Self::TasksWrite => "tasks:write",
        }
    }
}

impl FromStr for TokenScope {
    type Err = InvalidTokenScope;

    fn from_str(name: &str) -> Result<Self, InvalidTokenScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or(InvalidTokenScope)
    }
}

/// What one token may do, none of it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScopes(BTreeSet<TokenScope>);

impl TokenScopes {
    /// Refuses an empty list: such a token would be good for nothing.
    pub fn new(scopes: impl IntoIterator<Item = TokenScope>) -> Result<Self, NoTokenScope> {
        let scopes: BTreeSet<TokenScope> = scopes.into_iter().collect();
        if scopes.is_empty() { Err(NoTokenScope) } else { Ok(Self(scopes)) }
    }

    /// Scopes that are stored already. One that only a newer version knows allows nothing here.
    pub fn stored(text: &str) -> Self {
        Self(text.split(' ').filter_map(|name| name.parse().ok()).collect())
    }

    /// Whether this is among what the token may do.
    pub fn allow(&self, scope: TokenScope) -> bool {
        self.0.contains(&scope)
    }

    /// The names, always in the same order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|scope| scope.name())
    }
}

/// The names with a blank between two, as RFC 6749 §3.3 has it and as they are stored.
impl fmt::Display for TokenScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use TokenScope::{TasksRead, TasksWrite};

    use super::*;

    #[test]
    fn every_set_of_scopes_comes_back_from_its_text() {
        for scopes in [vec![TasksRead], vec![TasksWrite], vec![TasksWrite, TasksRead, TasksWrite]] {
            let scopes = TokenScopes::new(scopes).unwrap();
            assert_eq!(TokenScopes::stored(&scopes.to_string()), scopes);
        }
        assert_eq!(TokenScopes::new([TasksWrite, TasksRead]).unwrap().to_string(), "tasks:read tasks:write");
        assert_eq!(TokenScopes::new([]), Err(NoTokenScope));
    }

    #[test]
    fn a_scope_allows_itself_alone_and_an_unknown_one_nothing() {
        let reads = TokenScopes::stored("tasks:read users:read Tasks:write tasks:writes");
        assert_eq!(TokenScope::ALL.map(|scope| reads.allow(scope)), [true, false]);
        assert_eq!(TokenScope::ALL.map(|scope| TokenScopes::stored("").allow(scope)), [false, false]);
    }
}
