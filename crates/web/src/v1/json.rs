//! JSON on the canonical surface: bodies on the way in, the values in them, envelopes on the way out.

use std::{future::Ready, marker::PhantomData};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Bytes};
use futures_util::future::{FutureExt as _, Map};
use holdfast_application::domain::{
    Timestamp,
    personal_tokens::{TokenLife, TokenName, TokenScope, TokenScopes},
    tasks::{Description, Priority, Title},
    users::Role,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::{
    body::{Media, RawBody},
    datetime,
    fault::Fault,
    fields::{Fields, Flaw, FromFields, Taken},
    json::{self, Duplicates, Json},
    limits, values,
};

/// A JSON body of which nothing was read yet.
pub(crate) struct Body<T> {
    raw: RawBody,
    wanted: PhantomData<T>,
}

impl<T: FromFields> Body<T> {
    /// Receives and reads it.
    pub(crate) async fn read(self) -> Result<T, Fault> {
        parse(&self.raw.receive(Media::Json, limits::CANONICAL_BODY).await?)
    }

    /// The same together with what `head` reads of the request's head, all faults of both at once, and with the bytes as
    /// they were received.
    pub(crate) async fn read_with<H>(
        self,
        head: impl FnOnce(&mut Fields) -> Taken<H>,
    ) -> Result<(T, H, Bytes), Fault> {
        let body = self.raw.receive(Media::Json, limits::CANONICAL_BODY).await?;
        let mut fields = Fields::new(json::read(&body, Duplicates::Refused)?);
        let (head, taken) = (head(&mut fields), T::take(&mut fields));
        let (taken, head) = fields.complete(taken.zip(head))?;
        Ok((taken, head, body))
    }
}

impl Body<Fields> {
    /// Receives it, for members that are judged once more is known than the body says.
    pub(crate) async fn receive(self) -> Result<Fields, Fault> {
        let body = self.raw.receive(Media::Json, limits::CANONICAL_BODY).await?;
        Ok(Fields::new(json::read(&body, Duplicates::Refused)?))
    }
}

impl<T: FromFields + Default> Body<T> {
    /// The same for a body that may be absent.
    pub(crate) async fn read_optional(self) -> Result<T, Fault> {
        let body = self.raw.receive_optional(Media::Json, limits::CANONICAL_BODY).await?;
        body.map_or_else(|| Ok(T::default()), |body| parse(&body))
    }
}

fn parse<T: FromFields>(body: &[u8]) -> Result<T, Fault> {
    T::read(Fields::new(json::read(body, Duplicates::Refused)?))
}

impl<T> FromRequest for Body<T> {
    type Error = Fault;
    type Future = Map<Ready<Result<RawBody, Fault>>, fn(Result<RawBody, Fault>) -> Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        RawBody::from_request(request, payload).map(|raw| Ok(Self { raw: raw?, wanted: PhantomData }))
    }
}

/// A title, trimmed.
pub(crate) fn title(value: Json) -> Result<Title, Flaw> {
    Ok(Title::new(&values::text(value)?)?)
}

/// A description.
pub(crate) fn description(value: Json) -> Result<Description, Flaw> {
    Ok(Description::new(values::text(value)?)?)
}

/// A priority by its name.
pub(crate) fn priority(value: Json) -> Result<Priority, Flaw> {
    Ok(values::text(value)?.parse::<Priority>()?)
}

/// A role by its name.
pub(crate) fn role(value: Json) -> Result<Role, Flaw> {
    Ok(values::text(value)?.parse::<Role>()?)
}

/// The name of a personal access token, trimmed.
pub(crate) fn token_name(value: Json) -> Result<TokenName, Flaw> {
    Ok(TokenName::new(&values::text(value)?)?)
}

/// A list of the names of scopes.
pub(crate) fn token_scopes(value: Json) -> Result<TokenScopes, Flaw> {
    let Json::List(names) = value else { return Err(Flaw::wrong_type("a list", &value)) };
    let scopes: Vec<TokenScope> = names
        .into_iter()
        .map(|name| Ok(values::text(name)?.parse::<TokenScope>()?))
        .collect::<Result<_, Flaw>>()?;
    Ok(TokenScopes::new(scopes)?)
}

/// The life of a personal access token in days.
pub(crate) fn token_life(value: Json) -> Result<TokenLife, Flaw> {
    match value {
        // What is no whole number of days, or less than none, is none that is allowed.
        Json::Number(days) => Ok(TokenLife::days(days.as_u64().unwrap_or_default())?),
        other => Err(Flaw::wrong_type("a number", &other)),
    }
}

/// A point in time.
pub(crate) fn timestamp(value: Json) -> Result<Timestamp, Flaw> {
    datetime::parse(&values::text(value)?).ok_or_else(|| {
        Flaw::invalid("must be an RFC 3339 date-time such as 2026-03-01T10:00:00Z, in the years 1 to 9999")
    })
}

/// A boolean of JSON itself.
pub(crate) fn boolean(value: Json) -> Result<bool, Flaw> {
    match value {
        Json::Bool(value) => Ok(value),
        other => Err(Flaw::wrong_type("a boolean", &other)),
    }
}

/// What was read.
#[derive(Serialize, ToSchema)]
pub(crate) struct Found<T> {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    data: T,
}

impl<T> Found<T> {
    pub(crate) fn new(data: T) -> Self {
        Self { success: true, data }
    }
}

/// What was written, with a word about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Written<T> {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// For people; null on auth answers.
    message: Option<&'static str>,
    data: T,
}

impl<T> Written<T> {
    /// With a word about it.
    pub(crate) fn new(message: &'static str, data: T) -> Self {
        Self { success: true, message: Some(message), data }
    }

    /// As auth answers are: `message` is there and null.
    pub(crate) fn silent(data: T) -> Self {
        Self { success: true, message: None, data }
    }
}

/// A word that something was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// For people.
    message: &'static str,
}

impl Done {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { success: true, message }
    }
}
