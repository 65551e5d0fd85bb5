//! Whether the dependencies answer.

use std::sync::Arc;

use crate::ports::{Store, StoreError, WriteOutage};

/// Asks the dependencies.
#[derive(Clone)]
pub struct Health {
    store: Arc<dyn Store>,
}

impl Health {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// One round trip to the database.
    pub async fn database(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// Whether the database can be written.
    pub async fn writes(&self) -> Result<(), WriteOutage> {
        self.store.check_writes().await
    }
}
