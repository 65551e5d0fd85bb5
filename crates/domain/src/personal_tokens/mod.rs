//! Personal access tokens: what scripts use in the place of their owner's session. Their text is the application's.

mod life;
mod name;
mod scope;
mod token;

pub use life::{InvalidTokenLife, TokenLife};
pub use name::{TOKEN_NAME_LIMIT, TokenName};
pub use scope::{InvalidTokenScope, NoTokenScope, TokenScope, TokenScopes};
pub use token::{PERSONAL_TOKEN_LIMIT, PersonalToken, USE_INTERVAL};
