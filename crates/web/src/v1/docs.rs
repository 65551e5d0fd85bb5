//! The documentation page: Swagger UI out of the binary, so that a browser loads nothing from elsewhere.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Bytes};
use utoipa_swagger_ui::Config;

use crate::common::{State, fault::Fault};

/// What the page may load: its own files, and the inline styles and images that Swagger UI makes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Asset addresses are absolute, since the page is served at several paths, and carry the version, since they are kept
/// for a year.
const PAGE: &str = concat!(
    r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css?v="#,
    env!("CARGO_PKG_VERSION"),
    r#"">
<link rel="stylesheet" href="/api/docs/index.css?v="#,
    env!("CARGO_PKG_VERSION"),
    r#"">
<link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js?v="#,
    env!("CARGO_PKG_VERSION"),
    r#""></script>
<script src="/api/docs/swagger-ui-standalone-preset.js?v="#,
    env!("CARGO_PKG_VERSION"),
    r#""></script>
<script src="/api/docs/swagger-initializer.js?v="#,
    env!("CARGO_PKG_VERSION"),
    r#""></script>
</body>
</html>
"#
);

/// The files that the page asks for; the distribution holds more.
const ASSETS: [&str; 6] = [
    "favicon-32x32.png",
    "index.css",
    "swagger-initializer.js",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
];

/// The documentation as a page that can try every operation.
#[utoipa::path(get, path = "/api/docs", operation_id = "docs_page", tag = "docs",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE)
}

/// A file of the documentation page.
#[utoipa::path(get, path = "/api/docs/{file}", operation_id = "docs_file", tag = "docs",
    params(("file" = String, Path, description = "The name of the file", example = "swagger-ui.css")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream")))]
pub(crate) async fn asset(request: HttpRequest) -> Result<HttpResponse, Fault> {
    let name = request.match_info().query("file");
    let missing = || Fault::not_found("The documentation has no such file");
    let name = ASSETS.into_iter().find(|asset| *asset == name).ok_or_else(missing)?;
    let config =
        Arc::new(Config::from("/api/openapi.json").persist_authorization(false).validator_url("none"));
    let file =
        utoipa_swagger_ui::serve(name, config).map_err(|error| Fault::unexpected(error.to_string()))?;
    let file = file.ok_or_else(missing)?;
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        }))
}

/// The OpenAPI document of every route.
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "docs_openapi", tag = "docs",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")))]
pub(crate) async fn document(state: State) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(state.document())
}
