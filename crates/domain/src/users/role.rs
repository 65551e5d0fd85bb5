//! What an account may do beyond its own rows.

use std::str::FromStr;

/// The two roles. Everything not granted to a role is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its own account and tasks.
    User,
    /// The administration of accounts as well.
    Admin,
}

/// The text is neither role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be user or admin")]
pub struct InvalidRole;

impl Role {
    /// The name that is stored and sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(name: &str) -> Result<Self, InvalidRole> {
        match name {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(InvalidRole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_its_name_alone() {
        assert_eq!([Role::User, Role::Admin].map(Role::name), ["user", "admin"]);
        for role in [Role::User, Role::Admin] {
            assert_eq!(role.name().parse(), Ok(role));
        }
        for none in ["", "Admin", "admin ", "root"] {
            assert_eq!(none.parse::<Role>(), Err(InvalidRole), "{none:?}");
        }
    }
}
