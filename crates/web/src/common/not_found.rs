//! What is answered where no route is: the way to the same path without a trailing slash, or nothing.

use actix_web::{HttpRequest, HttpResponse, http::header};

use super::fault::Fault;

/// 307 for a trailing slash (contract, decision 16), 404 otherwise.
pub(crate) async fn not_found(request: HttpRequest) -> Result<HttpResponse, Fault> {
    match without_slash(request.path(), request.query_string()) {
        Some(target) => {
            Ok(HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, target)).finish())
        }
        None => Err(Fault::not_found("Nothing is found here")),
    }
}

/// The same place without its trailing slashes, always on this host: a browser reads `//` and `/\` as the beginning of
/// another one.
fn without_slash(path: &str, query: &str) -> Option<String> {
    let inner = path.strip_suffix('/')?.trim_matches('/').replace('\\', "%5C");
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    Some(format!("/{inner}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_kept() {
        assert_eq!(without_slash("/api/tasks/", "limit=1").as_deref(), Some("/api/tasks?limit=1"));
        assert_eq!(without_slash("/api/tasks//", "").as_deref(), Some("/api/tasks"));
        assert_eq!(without_slash("/api/nothing", ""), None);
    }

    #[test]
    fn the_way_never_leads_to_another_host() {
        assert_eq!(without_slash("//evil.example/", "").as_deref(), Some("/evil.example"));
        assert_eq!(without_slash("/\\evil.example/", "").as_deref(), Some("/%5Cevil.example"));
        assert_eq!(without_slash("//", "").as_deref(), Some("/"));
    }
}
