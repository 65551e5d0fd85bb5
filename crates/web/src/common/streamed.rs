//! A body that is made while it is sent, and what is held until its end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

/// The body, with a guard that ends with it.
pub(crate) struct Streamed<G> {
    body: BoxBody,
    _guard: G,
}

impl<G: Unpin + 'static> Streamed<G> {
    pub(crate) fn holding(body: BoxBody, guard: G) -> BoxBody {
        BoxBody::new(Self { body, _guard: guard })
    }
}

impl<G: Unpin> MessageBody for Streamed<G> {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
