//! Taking the members out of a request one by one while noting everything that is wrong with them, so that the caller
//! learns of all faults at once.

use holdfast_application::{
    Patch,
    domain::{
        personal_tokens::{InvalidTokenLife, InvalidTokenScope, NoTokenScope},
        tasks::InvalidPriority,
        text::TextFault,
        users::{InvalidEmail, InvalidRole, PasswordFault},
    },
};

use super::{
    fault::{Fault, FieldFault},
    form::{self, NotDecodable},
    json::{Json, Members},
};

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Stable and lower case.
    pub(crate) code: &'static str,
    /// What was expected and what was found.
    pub(crate) message: String,
}

impl Flaw {
    /// The value is of the right type and still not one that is allowed.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { code: "invalid_value", message: message.into() }
    }

    /// The value is of another type than `expected`.
    pub(crate) fn wrong_type(expected: &str, found: &Json) -> Self {
        Self { code: "wrong_type", message: format!("must be {expected}, not {}", found.kind()) }
    }

    fn missing() -> Self {
        Self { code: "missing", message: "is required".to_owned() }
    }

    fn null() -> Self {
        Self { code: "null", message: "must not be null".to_owned() }
    }
}

impl From<TextFault> for Flaw {
    fn from(fault: TextFault) -> Self {
        let code = match fault {
            TextFault::Blank => "blank",
            TextFault::TooLong { .. } => "too_long",
            TextFault::Nul => "nul",
        };
        Self { code, message: fault.to_string() }
    }
}

impl From<InvalidPriority> for Flaw {
    fn from(fault: InvalidPriority) -> Self {
        Self::invalid(fault.to_string())
    }
}

impl From<InvalidTokenLife> for Flaw {
    fn from(fault: InvalidTokenLife) -> Self {
        Self::invalid(fault.to_string())
    }
}

impl From<InvalidTokenScope> for Flaw {
    fn from(fault: InvalidTokenScope) -> Self {
        Self::invalid(fault.to_string())
    }
}

impl From<NoTokenScope> for Flaw {
    fn from(fault: NoTokenScope) -> Self {
        Self { code: "blank", message: fault.to_string() }
    }
}

impl From<InvalidEmail> for Flaw {
    fn from(fault: InvalidEmail) -> Self {
        Self::invalid(fault.to_string())
    }
}

impl From<InvalidRole> for Flaw {
    fn from(fault: InvalidRole) -> Self {
        Self::invalid(fault.to_string())
    }
}

impl From<PasswordFault> for Flaw {
    fn from(fault: PasswordFault) -> Self {
        let code = match fault {
            PasswordFault::TooShort => "too_short",
            PasswordFault::TooLong => "too_long",
            PasswordFault::Common => "too_common",
            PasswordFault::Guessable => "too_guessable",
            PasswordFault::Unchanged => "unchanged",
        };
        Self { code, message: fault.to_string() }
    }
}

/// What was taken from a member; nothing when a fault was noted instead.
pub(crate) type Taken<T> = Option<T>;

/// The members of one request that have not been taken yet, and the faults that were found.
///
/// Every taker answers `None` when it noted a fault; [`Fields::complete`] then answers with all of them.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    members: Members,
    faults: Vec<FieldFault>,
}

impl Fields {
    /// The members of a JSON object.
    pub(crate) fn new(members: Members) -> Self {
        Self { members, faults: Vec::new() }
    }

    /// The parameters of a query string; of two with one name the last wins.
    pub(crate) fn of_query(query: &str) -> Result<Self, Fault> {
        let pairs = form::decode(query.as_bytes()).map_err(|NotDecodable| {
            Fault::invalid_query("The query string is not percent-encoded UTF-8 (RFC 3986)")
        })?;
        Ok(Self::new(pairs.into_iter().map(|(name, value)| (name, Json::Text(value))).collect()))
    }

    /// Whether the member is there, null or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Reads an empty text as null.
    pub(crate) fn blank_is_null(&mut self, name: &str) {
        if let Some(value) = self.members.get_mut(name)
            && matches!(value, Json::Text(text) if text.is_empty())
        {
            *value = Json::Null;
        }
    }

    /// The member must be there and not null.
    pub(crate) fn required<T>(&mut self, name: &str, parse: impl Parse<T>) -> Taken<T> {
        match self.members.remove(name) {
            None => self.note(name, Flaw::missing()),
            Some(value) => self.parse(name, value, parse),
        }
    }

    /// Absent and null are both nothing.
    pub(crate) fn optional<T>(&mut self, name: &str, parse: impl Parse<T>) -> Taken<Option<T>> {
        match self.members.remove(name) {
            None | Some(Json::Null) => Some(None),
            Some(value) => self.parse(name, value, parse).map(Some),
        }
    }

    /// The member may be absent, and must not be null.
    pub(crate) fn non_null<T>(&mut self, name: &str, parse: impl Parse<T>) -> Taken<Option<T>> {
        match self.members.remove(name) {
            None => Some(None),
            Some(value) => self.parse(name, value, parse).map(Some),
        }
    }

    /// Absent, null and a value are three different things (RFC 7396).
    pub(crate) fn patch<T>(&mut self, name: &str, parse: impl Parse<T>) -> Taken<Patch<T>> {
        match self.members.remove(name) {
            None => Some(Patch::Keep),
            Some(Json::Null) => Some(Patch::Clear),
            Some(value) => self.parse(name, value, parse).map(Patch::Set),
        }
    }

    /// Notes a fault that only shows once the value is taken.
    pub(crate) fn check<T, F: Into<Flaw>>(&mut self, name: &str, judged: Result<T, F>) -> Taken<T> {
        judged.map_or_else(|flaw| self.note(name, flaw), Some)
    }

    /// Notes a fault.
    pub(crate) fn note<T>(&mut self, name: &str, flaw: impl Into<Flaw>) -> Taken<T> {
        let Flaw { code, message } = flaw.into();
        self.faults.push(FieldFault { field: name.to_owned(), code, message });
        None
    }

    /// What was taken, or all that was wrong.
    pub(crate) fn complete<T>(self, taken: Taken<T>) -> Result<T, Fault> {
        match taken {
            Some(taken) if self.faults.is_empty() => Ok(taken),
            _ => Err(Fault::invalid(self.faults)),
        }
    }

    fn parse<T>(&mut self, name: &str, value: Json, parse: impl Parse<T>) -> Taken<T> {
        let judged = if value == Json::Null { Err(Flaw::null()) } else { parse(value) };
        self.check(name, judged)
    }
}

/// Turns a value that is not null into what is wanted.
pub(crate) trait Parse<T>: FnOnce(Json) -> Result<T, Flaw> {}

impl<T, F: FnOnce(Json) -> Result<T, Flaw>> Parse<T> for F {}

/// A request that is read from named members.
pub(crate) trait FromFields: Sized {
    /// Takes what it needs; `None` when something is wrong, which `fields` then knows.
    fn take(fields: &mut Fields) -> Taken<Self>;

    /// Takes what it needs, or tells all faults.
    fn read(mut fields: Fields) -> Result<Self, Fault> {
        let taken = Self::take(&mut fields);
        fields.complete(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::values, *};

    fn fields(members: &[(&str, Json)]) -> Fields {
        Fields::new(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn any_json() -> impl Strategy<Value = Json> {
        prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(|number| Json::Number(number.into())),
            any::<String>().prop_map(Json::Text),
            prop::collection::vec(any::<String>().prop_map(Json::Text), 0..3).prop_map(Json::List),
            Just(Json::Object),
        ]
    }

    #[test]
    fn all_faults_come_at_once_and_name_no_value() {
        let mut fields =
            fields(&[("a", Json::Bool(true)), ("b", Json::Null), ("d", Json::Text("x\0".into()))]);
        let taken = (
            fields.required("a", values::text),
            fields.non_null("b", values::text),
            fields.required("c", values::text),
            fields.optional("d", values::text),
        );
        assert_eq!(taken, (None, None, None, None));
        let fault = fields.complete(Some(())).unwrap_err();
        let codes: Vec<_> = fault.fields().iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
        assert_eq!(codes, [("a", "wrong_type"), ("b", "null"), ("c", "missing"), ("d", "nul")]);
        assert!(fault.detail().contains("a: must be a string, not a boolean"));
    }

    #[test]
    fn absent_null_and_value_are_told_apart() {
        let mut fields = fields(&[("null", Json::Null), ("value", Json::Text("x".into()))]);
        assert_eq!(fields.patch("absent", values::text), Some(Patch::Keep));
        assert_eq!(fields.patch("null", values::text), Some(Patch::Clear));
        assert_eq!(fields.patch("value", values::text), Some(Patch::Set("x".into())));
    }

    proptest! {
        #[test]
        fn a_member_is_taken_or_faulted_and_never_both(value in any_json()) {
            let mut fields = fields(&[("m", value.clone())]);
            let taken = fields.required("m", values::text);
            let good = matches!(&value, Json::Text(text) if !text.contains('\0'));
            prop_assert_eq!(taken.is_some(), good);
            prop_assert_eq!(fields.complete(taken).is_ok(), good);
        }

        #[test]
        fn no_query_makes_the_reader_panic(query in any::<String>()) {
            let _ = Fields::of_query(&query);
        }
    }
}
