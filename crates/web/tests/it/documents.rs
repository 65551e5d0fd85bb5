//! The OpenAPI document against the routes, and the page that shows it.

use std::{collections::BTreeSet, fs, path::Path};

use holdfast_application::domain::sessions::EventKind;
use serde_json::Value;

use crate::app::TestApp;

fn documented() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&holdfast_web::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn every_route_is_documented_and_every_documented_route_exists() {
    let routes: BTreeSet<_> = holdfast_web::registered_routes().into_iter().collect();
    assert_eq!(routes.len(), holdfast_web::registered_routes().len(), "a route is registered twice");
    let documented = documented();
    let missing: Vec<_> = routes.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&routes).collect();
    assert!(missing.is_empty() && stale.is_empty(), "not documented: {missing:?}; not registered: {stale:?}");
}

#[test]
fn the_document_is_sound_and_the_same_every_time() {
    let text = holdfast_web::openapi_json();
    assert_eq!(text, holdfast_web::openapi_json());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} appears twice");
            assert!(!operation["responses"].as_object().unwrap().is_empty());
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{id} has no summary");
        }
    }
    assert_eq!(
        document["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"],
        "/api/v1/auth/token"
    );
    check_references(&document, &document);
}

/// Every `$ref` leads somewhere.
fn check_references(document: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').expect("only local references");
                assert!(document.pointer(pointer).is_some(), "{target} does not exist");
            }
            members.values().for_each(|member| check_references(document, member));
        }
        Value::Array(list) => list.iter().for_each(|member| check_references(document, member)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[actix_web::test]
async fn the_document_is_served_at_both_places() {
    let app = TestApp::new().await;
    for path in ["/api/openapi.json", "/api/v1/openapi.json"] {
        let answer = app.get(path).send().await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(String::from_utf8(answer.body).unwrap(), holdfast_web::openapi_json());
    }
}

#[actix_web::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = TestApp::new().await;
    for path in ["/api/docs", "/api/redoc", "/api/v1/docs", "/api/v1/redoc"] {
        let answer = app.get(path).send().await;
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
        let page = String::from_utf8(answer.body).unwrap();
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script>"), "{page}");
        let quoted: Vec<_> = page.split('"').filter(|part| part.starts_with("/api/docs/")).collect();
        assert_eq!(quoted.len(), 6, "{quoted:?}");
        for asset in quoted {
            let answer = app.get(asset).send().await;
            assert_eq!(answer.status.as_u16(), 200, "{asset}");
            assert!(answer.header("cache-control").contains("immutable"));
            assert!(!answer.body.is_empty());
        }
    }
    let initializer = app.get("/api/docs/swagger-initializer.js").send().await;
    let script = String::from_utf8(initializer.body).unwrap();
    assert!(script.contains("\"/api/openapi.json\""), "{script}");
    assert!(!script.contains("https://") && !script.contains("{{"), "{script}");
}

/// The texts in quotation marks that look like an error code.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    let literals = source.split('"').skip(1).step_by(2);
    literals.filter(|text| {
        // What begins with the underscore is the label of a metric.
        let written_so = text.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase());
        written_so && text.contains('_') && !text.starts_with('_')
    })
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_error_code_is_explained() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(here.join("../../docs/api-design.md")).unwrap();
    let mut found = Vec::new();
    sources(&here.join("src"), &mut found);
    sources(&here.join("../application/src"), &mut found);
    let codes: BTreeSet<_> = found.iter().flat_map(|source| codes(source)).collect();
    assert!(codes.contains("VALIDATION_ERROR") && codes.contains("EMAIL_EXISTS"), "{codes:?}");
    let silent: Vec<_> = codes
        .iter()
        .filter(|code| **code != "CARGO_PKG_VERSION" && !page.contains(&format!("`{code}`")))
        .collect();
    assert!(silent.is_empty(), "not explained in docs/api-design.md: {silent:?}");
}

#[test]
fn every_kind_of_event_is_explained() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api-design.md");
    let page = fs::read_to_string(page).unwrap();
    let told = EventKind::ALL.map(|kind| format!("`{}`", kind.name()));
    let silent: Vec<_> = told.iter().filter(|name| !page.contains(*name)).collect();
    assert!(silent.is_empty(), "not explained in docs/api-design.md: {silent:?}");
}
