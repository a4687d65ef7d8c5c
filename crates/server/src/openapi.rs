//! The description of the API, and a reader for it.
//!
//! What routes have in common (who may, which problems, which headers) is added here from the access table, so that a
//! handler describes only what is its own.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    Router,
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    OpenApi as _, PartialSchema,
    openapi::{
        Components, ContentBuilder, Object, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    access::{Access, TABLE},
    app::{self, AppState},
    auth, idempotency,
    problem::{self, FieldError, Problem},
    sign_in::cookie,
};

/// Where the description is.
pub const PATH: &str = "/api/v1/openapi.json";
/// Where the reader is.
pub const READER: &str = "/api/docs";

/// What the reader may load: its own files and the description, nothing from elsewhere and nothing inline.
const READER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Allclear", description = "Mobile threat response: detections in, restrictions and notices out."),
    components(schemas(Problem, FieldError)),
    tags(
        (name = "operation", description = "Is the server alive, may it take traffic, how is it doing."),
        (name = "agent", description = "What a device's agent asks for and reports, with the device's own credential."),
        (name = "apple", description = "What Apple's devices speak to, and how their management is set up."),
        (name = "android", description = "How Google manages Android devices, and what it speaks to."),
        (name = "messages-app", description = "What the Messages app shows a device's owner, with its own session."),
        (name = "devices", description = "Phones and tablets: what is known, derived and wanted about each."),
        (name = "device-commands", description = "What administrators have devices do, and what came of it."),
        (name = "users", description = "People who have devices."),
        (name = "user-groups", description = "Named sets of users."),
        (name = "organization-groups", description = "The tenant tree."),
        (name = "enrollment-tokens", description = "One-time credentials with which devices enroll."),
        (name = "detections", description = "What sources say about threats on devices."),
        (name = "threats", description = "What detections are about, and what administrators decide about them."),
        (name = "journal", description = "Every change in the order of commits."),
        (name = "dashboard", description = "The whole fleet at a glance."),
        (name = "notifications", description = "Telling users and devices about incidents, and who was told what."),
        (name = "channels", description = "What messages are sent by."),
        (name = "search", description = "Users, devices and threats by the beginning of their names."),
        (name = "source-events", description = "Messages of sources, and those that are kept aside."),
        (name = "indicators", description = "Signs by which malicious software is known, in sets."),
        (name = "integrations", description = "Threat feeds that are connected."),
        (name = "session", description = "Administrators sign in and out, and see who they are and where."),
        (name = "account", description = "An administrator's own name, mail address and second factors."),
        (name = "admins", description = "The people who sign in to the console."),
        (name = "roles", description = "Named sets of rights."),
        (name = "classifications", description = "The Protections table: what each kind of threat is rated at."),
        (name = "tags", description = "Labels on devices."),
        (name = "smart-groups", description = "Saved criteria over devices."),
        (name = "profiles", description = "Versioned sets of payloads, assigned to smart groups."),
        (name = "quickstart", description = "The vendors' guides in one call."),
        (name = "jobs", description = "The progress of re-evaluations."),
        (name = "settings", description = "What a tenant can set."),
        (name = "api-tokens", description = "Credentials of programs."),
    )
)]
struct Base;

/// The description without any route.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// The complete description (OpenAPI 3.1).
pub fn document() -> OpenApi {
    let mut document = app::routes().into_openapi();
    let components = document.components.get_or_insert_with(Components::new);
    for (status, description) in PROBLEMS {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(*description).content(problem::MEDIA_TYPE, content).build();
        components.responses.insert(problem_name(*status), response.into());
    }
    for (name, description) in [(TOKEN, "An API token (`ac_…`)."), (DEVICE, "A device's credential (`acd_…`).")] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        components.security_schemes.insert(name.to_owned(), SecurityScheme::Http(scheme).into());
    }
    for (name, cookie, description) in [
        (SESSION, cookie::CONSOLE, "The session of an administrator."),
        (MESSAGES, cookie::MESSAGES, "The session of the Messages app on a device."),
    ] {
        let cookie = ApiKeyValue::with_description(cookie.name, description);
        components.security_schemes.insert(name.to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(cookie)).into());
    }
    let signature = ApiKeyValue::with_description("Mdm-Signature", "A device's signature over the body (CMS, base64).");
    components.security_schemes.insert(APPLE.to_owned(), SecurityScheme::ApiKey(ApiKey::Header(signature)).into());
    merge_tagged(&mut components.schemas);
    for (method, path, access) in TABLE {
        let item = document.paths.paths.get_mut(*path);
        if let Some(operation) = item.and_then(|item| operation(item, method)) {
            complete(operation, method, path, *access);
        }
    }
    document
}

/// Makes one object of each variant that is told apart by a tag. Said as "all of the variant and the tag", none would
/// be valid, because the variant takes no members besides its own.
fn merge_tagged(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let object = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => Some(object.clone()),
        _ => None,
    };
    let objects: BTreeMap<String, Object> =
        schemas.iter().filter_map(|(name, schema)| Some((name.clone(), object(schema)?))).collect();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::OneOf(one_of)) = schema else { continue };
        for variant in &mut one_of.items {
            let RefOr::T(Schema::AllOf(all_of)) = variant else { continue };
            let [RefOr::Ref(named), tag] = all_of.items.as_slice() else { continue };
            let name = named.ref_location.rsplit('/').next().unwrap_or_default();
            if let (Some(mut merged), Some(tag)) = (objects.get(name).cloned(), object(tag)) {
                merged.properties.extend(tag.properties);
                merged.required.extend(tag.required);
                *variant = RefOr::T(Schema::Object(merged));
            }
        }
    }
}

const TOKEN: &str = "api_token";
const DEVICE: &str = "device_credential";
const SESSION: &str = "session";
const MESSAGES: &str = "messages_session";
const APPLE: &str = "mdm_signature";

const PROBLEMS: &[(u16, &str)] = &[
    (400, "The request cannot be read, or does not say for which organization group it is."),
    (401, "No valid credential."),
    (403, "The credential does not allow this."),
    (404, "There is no such thing, or none the caller may know of."),
    (409, "The request contradicts the state of things, or is based on a stale version."),
    (412, "The thing no longer has the version in If-Match."),
    (413, "The body is too long."),
    (415, "The body is not in a format taken here."),
    (422, "The request can be read but makes no sense; `errors` says where."),
    (429, "Too many requests; see Retry-After."),
    (503, "Not now; see Retry-After."),
];

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// The operation of a method.
fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// Adds to an operation what follows from its method, path and row in the access table.
fn complete(operation: &mut Operation, method: &Method, path: &str, access: Access) {
    let mut problems: Vec<u16> = Vec::new();
    let mut headers = Vec::new();
    if access != Access::Public {
        problems.extend([429, 503]);
        problems.push(if access == Access::AppleDevice { 403 } else { 401 });
        let schemes: &[&str] = match access {
            Access::Device => &[DEVICE],
            Access::Messages => &[MESSAGES],
            Access::AppleDevice => &[APPLE],
            Access::Session | Access::Account => &[SESSION],
            _ => &[TOKEN, SESSION],
        };
        let requirement = |scheme: &&str| SecurityRequirement::new(*scheme, Vec::<String>::new());
        operation.security = Some(schemes.iter().map(requirement).collect());
    }
    if matches!(access, Access::Session | Access::Messages) {
        problems.push(403);
    }
    let anonymous = matches!(access, Access::Public | Access::Device | Access::AppleDevice);
    if !anonymous && !matches!(access, Access::Session | Access::Messages) {
        problems.extend([400, 403, 404]);
        headers.push(header_parameter(
            auth::ORGANIZATION_GROUP,
            "For credentials with Global reach: the customer to act for.",
        ));
    }
    if access == Access::Public && operation.request_body.is_some() {
        // With a credential in the body, which may be guessed at.
        problems.extend([429, 503]);
    }
    if path.contains('{') {
        problems.push(404);
    }
    if operation.request_body.is_some() {
        problems.extend([400, 413, 415, 422]);
    }
    if operation.parameters.iter().flatten().any(|parameter| is_in(parameter, &ParameterIn::Query)) {
        problems.push(422);
    }
    if access != Access::Public && idempotency::applies(method, path) {
        problems.extend([400, 409, 422]);
        headers.push(header_parameter(
            "Idempotency-Key",
            "Sent again with the same key, the request is carried out once and answered the same for 24 hours.",
        ));
    }
    if *method == Method::DELETE {
        problems.push(409);
    }
    let takes_version = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.name == "version");
    let versioned = path.starts_with("/api/") && !path.starts_with("/api/v1/session/");
    if matches!(*method, Method::PUT | Method::PATCH) && versioned
        || operation.parameters.iter().flatten().any(takes_version)
    {
        problems.extend([409, 412]);
        headers.push(header_parameter("If-Match", "The version the edit is based on, instead of `version`."));
    }
    for status in problems {
        let response = Ref::from_response_name(problem_name(status));
        operation.responses.responses.entry(status.to_string()).or_insert(RefOr::Ref(response));
    }
    operation.parameters.get_or_insert_default().extend(headers.into_iter().map(RefOr::T));
    if operation.parameters.as_ref().is_some_and(Vec::is_empty) {
        operation.parameters = None;
    }
    if let Some(needs) = needs(access) {
        let described = operation.description.take().filter(|text| !text.is_empty());
        operation.description = Some(described.map_or(needs.clone(), |text| format!("{text}\n\n{needs}")));
    }
}

fn is_in(parameter: &RefOr<Parameter>, place: &ParameterIn) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place)
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(String::schema()))
        .build()
}

/// Which rights a route needs, in words.
fn needs(access: Access) -> Option<String> {
    let names = |rights: &[_], between: &str| {
        let names: Vec<String> = rights.iter().map(|right| format!("`{}`", problem::right_name(*right))).collect();
        names.join(between)
    };
    match access {
        Access::Public
        | Access::Session
        | Access::Account
        | Access::Authenticated
        | Access::Device
        | Access::AppleDevice
        | Access::Messages => None,
        Access::Right(right) => Some(format!("Needs the right {}.", names(&[right], ""))),
        Access::AnyOf(rights) => Some(format!("Needs the right {}.", names(rights, " or "))),
        Access::AllOf(rights) => Some(format!("Needs the rights {}.", names(rights, " and "))),
    }
}

static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

/// This description
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operation", operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn get() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], TEXT.as_str()).into_response()
}

/// The reader, served from the binary.
pub(crate) fn reader() -> Router<AppState> {
    let config = Config::new([PATH]).validator_url("none").use_base_layout();
    let routes: Router<AppState> = SwaggerUi::new(READER).config(config).into();
    routes.layer(axum::middleware::map_response(async |mut response: Response| {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(READER_POLICY));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::testing::World;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    fn described() -> Value {
        serde_json::to_value(document()).unwrap()
    }

    /// Method and path of each operation in a description.
    fn operations(document: &Value) -> BTreeSet<(String, String)> {
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .filter(|key| METHODS.contains(&key.as_str()))
                .map(|m| (m.clone(), path.clone()))
        });
        operations.collect()
    }

    /// The router has exactly what is described, beside the reader, because both are made from the same routes.
    #[test]
    fn the_access_table_and_the_description_hold_the_same_routes() {
        let table: BTreeSet<_> = TABLE
            .iter()
            .filter(|(_, path, _)| !path.starts_with(READER))
            .map(|(method, path, _)| (method.as_str().to_lowercase(), (*path).to_owned()))
            .collect();
        assert_eq!(table, operations(&described()));
        assert_eq!(TABLE.len(), table.len() + 3, "no row twice, three for the reader");
    }

    #[tokio::test]
    async fn every_row_of_the_access_table_leads_to_a_handler() {
        let world = World::new().await;
        let token = world.admin().await;
        // Streams end and long polls answer at once.
        world.state.stopping.cancel();
        for (method, path, _) in TABLE {
            let path = world.filled(path);
            let answer = world.call(method.as_str(), &path, &token, None).await;
            assert!(!matches!(answer.status, 405 | 500), "{method} {path}: {}", answer.text());
            assert!(!answer.text().contains("no such path"), "{method} {path}: {}", answer.text());
        }
    }

    #[test]
    fn operations_say_who_may_and_what_can_go_wrong() {
        let document = described();
        assert_eq!(document["openapi"], "3.1.0");
        let create = &document["paths"]["/api/v1/roles"]["post"];
        let responses: Vec<_> = create["responses"].as_object().unwrap().keys().collect();
        assert_eq!(responses, ["201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"]);
        assert!(create["description"].as_str().unwrap().ends_with("Needs the right `manage_roles`."));
        assert_eq!(create["security"][0]["api_token"], serde_json::json!([]));
        let headers: Vec<_> =
            create["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(headers, ["Allclear-Organization-Group", "Idempotency-Key"]);
        let edit = document["paths"]["/api/v1/roles/{id}"]["patch"]["responses"].as_object().unwrap();
        assert!(edit.contains_key("412"));
        assert!(document["paths"]["/healthz"]["get"]["security"].is_null());
        let schemes = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
        assert_eq!(create["security"], serde_json::json!([{ "api_token": [] }, { "session": [] }]));
        assert_eq!(schemes("/api/v1/account/totp", "post"), serde_json::json!([{ "session": [] }]));
        assert!(document["components"]["securitySchemes"]["session"]["in"] == "cookie");

        let variants = document["components"]["schemas"]["Payload"]["oneOf"].as_array().unwrap();
        let required: Vec<&Value> = variants.iter().map(|variant| &variant["required"]).collect();
        assert!(required.iter().all(|required| required.as_array().unwrap().contains(&"type".into())), "{required:?}");

        let mut ids = BTreeSet::new();
        for (method, path) in operations(&document) {
            let id = document["paths"][&path][&method]["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "{id} is there twice");
        }
        // Every reference leads somewhere.
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[tokio::test]
    async fn the_description_is_served() {
        let answer = World::new().await.get(PATH, "").await;
        assert_eq!(answer.expect(200), described());
    }

    #[tokio::test]
    async fn the_reader_loads_nothing_from_elsewhere() {
        let world = World::new().await;
        let start = world.get(READER, "").await;
        assert_eq!((start.status, start.header("location")), (303, "/api/docs/"));
        let page = world.get("/api/docs/", "").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-security-policy"), READER_POLICY);
        let text = page.text();
        assert!(!text.contains("://") && !text.contains("<style"), "{text}");
        assert_eq!(text.matches("<script").count(), text.matches("<script src=\"./").count(), "{text}");
        for asset in text.split(['"']).filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
            let answer = world.get(&format!("/api/docs/{}", asset.trim_start_matches("./")), "").await;
            assert_eq!(answer.status, 200, "{asset}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let media = answer.header("content-type");
            assert!(media.contains("javascript") || media.contains("css"), "{asset}: {media}");
        }
        let initializer = world.get("/api/docs/swagger-initializer.js", "").await.text();
        assert!(initializer.contains("\"/api/v1/openapi.json\"") && !initializer.contains("petstore"), "{initializer}");
        assert!(initializer.contains("\"validatorUrl\": \"none\""), "{initializer}");
        assert_eq!(world.get("/api/docs/nothing.js", "").await.expect(404)["type"], "/problems/not-found");
    }
}
