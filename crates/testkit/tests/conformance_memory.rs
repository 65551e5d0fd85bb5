//! The memory store keeps what the storage ports promise.

use std::sync::Arc;

use holdfast_testkit::{MemoryStore, conformance::Fresh, store_conformance};

async fn fresh_memory() -> Option<Fresh> {
    let store = Arc::new(MemoryStore::default());
    Some(Fresh::new(store.clone(), ()).adopting(store))
}

store_conformance!(fresh_memory);
