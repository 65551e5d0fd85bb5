//! The recorder through which every route is registered, so that what is served can be compared with what is
//! documented, a wrong method can be told the right ones, and a fault is answered in the manner of its surface.

use actix_web::{
    FromRequest, Handler, Responder, Route, guard,
    http::{Method, StatusCode, header},
    web,
};
use utoipa::openapi::OpenApi;

use super::{budget::bounded, fault::Fault, governed::Limit, rate_limit::Bucket};
use crate::WebState;

/// Turns a fault into a status and a body: fault, path, request id.
pub(crate) type Render = fn(&Fault, &str, &str) -> (StatusCode, Vec<u8>);

/// Everything that is served below one prefix in one manner.
pub(crate) struct Surface {
    prefix: &'static str,
    render: Render,
    document: fn() -> OpenApi,
    resources: Vec<Resource>,
}

struct Resource {
    paths: Vec<String>,
    endpoints: Vec<Endpoint>,
    bucket: Option<Bucket>,
}

/// One method of a resource.
pub(crate) struct Endpoint {
    method: Method,
    route: Route,
}

impl Surface {
    /// A surface without routes yet. `document` describes its canonical paths; aliases are added by the recorder.
    pub(crate) fn new(prefix: &'static str, render: Render, document: fn() -> OpenApi) -> Self {
        Self { prefix, render, document, resources: Vec::new() }
    }

    /// Registers one resource under its canonical path and its aliases.
    pub(crate) fn at<const N: usize>(self, paths: &[impl AsRef<str>], endpoints: [Endpoint; N]) -> Self {
        self.add(paths, endpoints, None)
    }

    /// The same, drawing from the bucket of sign-ins.
    pub(crate) fn throttled_as_sign_in<const N: usize>(
        self,
        paths: &[impl AsRef<str>],
        endpoints: [Endpoint; N],
    ) -> Self {
        self.add(paths, endpoints, Some(Bucket::SignIn))
    }

    /// The same, drawing from the bucket of refreshes.
    pub(crate) fn throttled_as_refresh<const N: usize>(
        self,
        paths: &[impl AsRef<str>],
        endpoints: [Endpoint; N],
    ) -> Self {
        self.add(paths, endpoints, Some(Bucket::Refresh))
    }

    fn add<const N: usize>(
        mut self,
        paths: &[impl AsRef<str>],
        endpoints: [Endpoint; N],
        bucket: Option<Bucket>,
    ) -> Self {
        let paths = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        self.resources.push(Resource { paths, endpoints: endpoints.into(), bucket });
        self
    }

    /// Every method and path, aliases included. `HEAD` goes with `GET` and is not listed.
    pub(crate) fn listing(&self) -> Vec<(String, String)> {
        let of_path = |resource: &Resource, path: &String| {
            let methods = resource.endpoints.iter().map(|endpoint| endpoint.method.to_string());
            methods.map(|method| (method, path.clone())).collect::<Vec<_>>()
        };
        self.resources
            .iter()
            .flat_map(|resource| resource.paths.iter().flat_map(|path| of_path(resource, path)))
            .collect()
    }

    /// The templates that routes are known by: of each resource the first.
    pub(crate) fn templates(&self) -> impl Iterator<Item = String> {
        self.resources.iter().filter_map(|resource| resource.paths.first().cloned())
    }

    /// The document of this surface, with every alias described like its canonical path.
    pub(crate) fn document(&self) -> OpenApi {
        let mut document = (self.document)();
        for resource in &self.resources {
            let Some((canonical, aliases)) = resource.paths.split_first() else { continue };
            for alias in aliases {
                let Some(mut item) = document.paths.paths.get(canonical).cloned() else { continue };
                let operations =
                    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
                for operation in operations.into_iter().flatten() {
                    operation.operation_id =
                        operation.operation_id.take().map(|id| format!("{id}{}", suffix(alias)));
                    operation.description = Some(format!("The same as `{canonical}`."));
                }
                document.paths.paths.insert(alias.clone(), item);
            }
        }
        document
    }

    /// Puts the routes into an application.
    pub(crate) fn register(self, config: &mut web::ServiceConfig, state: &WebState) {
        for Resource { paths, endpoints, bucket } in self.resources {
            let allow = allow(&endpoints);
            let refuse = move || {
                let detail = format!("This path answers {allow}");
                let fault = Fault::http(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
                    .with_header(header::ALLOW, allow.as_str());
                async move { Err::<&'static str, Fault>(fault) }
            };
            let resource = endpoints
                .into_iter()
                .fold(web::resource(paths), |resource, endpoint| resource.route(endpoint.route))
                .default_service(web::route().to(refuse))
                .wrap_fn(bounded);
            match bucket {
                Some(bucket) => config.service(resource.wrap(Limit::new(state.clone(), bucket))),
                None => config.service(resource),
            };
        }
    }
}

/// Operation ids are unique: an alias carries its path in its own.
fn suffix(alias: &str) -> String {
    alias.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn allow(endpoints: &[Endpoint]) -> String {
    let mut methods: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

/// The manners of all surfaces, found by path.
pub(crate) struct Renderers(Vec<(&'static str, Render)>);

impl Renderers {
    /// Longer prefixes must come first.
    pub(crate) fn of(surfaces: &[Surface]) -> Self {
        Self(surfaces.iter().map(|surface| (surface.prefix, surface.render)).collect())
    }

    /// The status and the body of a fault under `path`.
    pub(crate) fn render(&self, fault: &Fault, path: &str, request_id: &str) -> (StatusCode, Vec<u8>) {
        let below = |prefix: &str| {
            prefix == "/"
                || path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.0.iter().find(|(prefix, _)| below(prefix));
        found.map_or((StatusCode::INTERNAL_SERVER_ERROR, Vec::new()), |(_, render)| {
            render(fault, path, request_id)
        })
    }
}

/// The three places under which the users' documents name the auth routes, the canonical one first.
pub(crate) fn auth_paths(names: &[&str]) -> Vec<String> {
    let places = ["/api/v1/auth", "/api/auth", "/auth"];
    places.iter().flat_map(|place| names.iter().map(move |name| format!("{place}/{name}"))).collect()
}

macro_rules! endpoint {
    ($name:ident, $method:ident, $guard:expr) => {
        pub(crate) fn $name<F, Args>(handler: F) -> Endpoint
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Endpoint { method: Method::$method, route: web::route().guard($guard).to(handler) }
        }
    };
}

endpoint!(get, GET, guard::Any(guard::Get()).or(guard::Head()));
endpoint!(post, POST, guard::Post());
endpoint!(put, PUT, guard::Put());
endpoint!(patch, PATCH, guard::Patch());
endpoint!(delete, DELETE, guard::Delete());
