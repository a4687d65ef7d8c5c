//! Templates: what messages to people say, by what they are about, channel and language.

use std::collections::BTreeSet;

use allclear_domain::{
    classification,
    ids::{DeviceId, UserId},
    notification::Channel,
    sms::{self, SmsLength},
    template::{self, TemplateKey, TemplateText, TemplateTrigger, VARIABLES, Variable, language},
    time::Time,
};
use allclear_engine::{
    Error,
    templates::{self as engine, About, Preview},
};
use allclear_store::templates::{self as stored, Stored};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::given;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, Query, etag},
    page::{List, Page, PageParams},
    problem::Problem,
};

/// A template in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateSummary {
    /// What the message is about.
    trigger: TemplateTrigger,
    /// How it goes.
    channel: Channel,
    /// The language, a BCP 47 tag.
    language: String,
    /// Whether the tenant has its own text in place of the shipped one, or added the language.
    changed: bool,
    /// Whether a text is shipped.
    shipped: bool,
    /// The version, for a change: 0 where the tenant has no text of its own.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
    /// Who changed it last.
    #[schema(required = true)]
    changed_by: Option<String>,
}

/// A template whole, and what it may be made of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateAnswer {
    #[serde(flatten)]
    summary: TemplateSummary,
    /// The text in force; null in a language without one.
    #[schema(required = true)]
    text: Option<TemplateText>,
    /// The text that is shipped, to which a reset leads back; null in a language that is not shipped.
    #[schema(required = true)]
    default: Option<TemplateText>,
    /// The values it may name.
    variables: &'static [Variable],
}

/// A change of a template, or a new one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateEdit {
    /// The subject, of a mail only.
    #[schema(max_length = 2_000)]
    subject: Option<String>,
    /// The text. An empty line parts paragraphs.
    #[schema(min_length = 1, max_length = 20_000)]
    body: String,
    /// The body of the page, of a mail only; without it the page is made of the text.
    #[schema(max_length = 100_000)]
    html: Option<String>,
    /// The version this edit is based on, unless `If-Match` says it; 0 where the tenant has no text of its own.
    version: Option<i64>,
}

/// What is to be shown.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatePreviewRequest {
    /// What the message is about.
    trigger: TemplateTrigger,
    /// How it goes.
    channel: Channel,
    /// The language.
    #[schema(min_length = 2, max_length = 35)]
    language: String,
    /// The subject to try; the present one if it is left out.
    #[schema(max_length = 2_000)]
    subject: Option<String>,
    /// The text to try; the present one if it is left out.
    #[schema(max_length = 20_000)]
    body: Option<String>,
    /// The page to try; the present one if it is left out, one made of the text if it is null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 100_000)]
    html: Option<Option<String>>,
    /// With this user's data.
    user_id: Option<UserId>,
    /// With this device's data. Without user and device, with made-up data.
    device_id: Option<DeviceId>,
}

/// A message as it would be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplatePreviewAnswer {
    /// The subject, of a mail.
    #[schema(required = true)]
    subject: Option<String>,
    /// The text.
    text: String,
    /// The page, of a mail. A logo in it is `cid:logo`; the picture is at `/api/v1/settings/branding/logo`.
    #[schema(required = true)]
    html: Option<String>,
    /// How many characters the text has.
    characters: usize,
    /// How long it is as an SMS; null for other channels.
    #[schema(required = true)]
    length: Option<SmsLength>,
}

/// The languages messages can be in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateLanguages {
    /// Those with at least one template, or text of a kind of threat, by tag.
    languages: Vec<TemplateLanguage>,
    /// The one for people whose own is not known, as set in the branding.
    default: String,
}

/// A language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateLanguage {
    /// Its tag.
    language: String,
    /// Whether it is shipped.
    shipped: bool,
    /// Whether every message can be in it. Where a text is missing, messages are in the default language or English.
    complete: bool,
    /// Of how many kinds of threats nothing is said in it: they are named in the default language or English. Which is
    /// told by `GET /api/v1/classifications?untranslated=`.
    untranslated: usize,
}

/// What a list of templates is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplateFilter {
    /// About this.
    trigger: Option<TemplateTrigger>,
    /// By this channel.
    channel: Option<Channel>,
    /// In this language.
    language: Option<String>,
    /// Whether the tenant has its own text.
    changed: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    #[default]
    Language,
}

/// What a reset may say.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResetTemplateParams {
    /// Only if this is its version, unless `If-Match` says it.
    version: Option<i64>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(languages))
        .routes(routes!(preview))
        .routes(routes!(get, put, reset))
}

fn summary(key: TemplateKey, stored: Option<&Stored>) -> TemplateSummary {
    TemplateSummary {
        shipped: template::shipped(&key).is_some(),
        trigger: key.trigger,
        channel: key.channel,
        language: key.language,
        changed: stored.is_some(),
        version: stored.map_or(0, |stored| stored.version),
        changed_at: stored.map(|stored| stored.changed_at),
        changed_by: stored.map(|stored| stored.changed_by.clone()),
    }
}

/// The templates
///
/// Those that are shipped and those that the tenant changed or added, by language, trigger and channel.
#[utoipa::path(get, path = "/api/v1/notification-templates", tag = "notifications",
    operation_id = "list_notification_templates", params(PageParams, TemplateFilter),
    responses((status = 200, body = Page<TemplateSummary>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<TemplateFilter, SortBy>,
) -> Result<Json<Page<TemplateSummary>>, Problem> {
    let tenant = principal.tenant;
    let own = state.engine.read(tenant, move |tx, _| Ok(stored::list(tx, tenant)?)).await?;
    let shipped = template::LANGUAGES.iter().flat_map(|language| TemplateKey::of_language(language));
    let mut keys: Vec<TemplateKey> = shipped.chain(own.iter().map(|stored| stored.key.clone())).collect();
    let place = |key: &TemplateKey| (key.language.clone(), key.trigger, key.channel);
    keys.sort_by_key(place);
    keys.dedup();
    let find = |key: &TemplateKey| own.iter().find(|stored| stored.key == *key);
    let mut rows: Vec<TemplateSummary> = keys.into_iter().map(|key| summary(key.clone(), find(&key))).collect();
    let TemplateFilter { trigger, channel, language, changed } = &list.filter;
    let wanted = language.as_deref().map(language::normal);
    rows.retain(|row| {
        trigger.is_none_or(|one| one == row.trigger)
            && channel.is_none_or(|one| one == row.channel)
            && wanted.as_ref().is_none_or(|one| *one == row.language)
            && changed.is_none_or(|one| one == row.changed)
    });
    if list.descending {
        rows.reverse();
    }
    let key = |row: &TemplateSummary| (row.language.clone(), row.trigger, row.channel);
    if let Some(after) = list.after::<(String, TemplateTrigger, Channel)>()? {
        rows.retain(|row| if list.descending { key(row) < after } else { key(row) > after });
    }
    list.page(rows, key).map(Json)
}

/// The languages messages can be in
#[utoipa::path(get, path = "/api/v1/notification-templates/languages", tag = "notifications",
    operation_id = "list_template_languages", responses((status = 200, body = TemplateLanguages)))]
async fn languages(State(state): State<AppState>, principal: Principal) -> Result<Json<TemplateLanguages>, Problem> {
    let found = state.engine.read(principal.tenant, move |_, rules| {
        let (templates, texts) = (&rules.templates, &rules.templates.texts);
        let all: BTreeSet<String> =
            templates.languages().into_iter().chain(texts.languages().map(str::to_owned)).collect();
        let languages = all.into_iter().map(|language| TemplateLanguage {
            untranslated: classification::all().iter().filter(|kind| !texts.is_said(kind, &language)).count(),
            shipped: template::LANGUAGES.contains(&language.as_str()),
            complete: TemplateKey::of_language(&language).all(|key| templates.get(&key).is_some()),
            language,
        });
        let default = language::normal(&rules.settings.branding.language);
        Ok(TemplateLanguages { languages: languages.collect(), default })
    });
    Ok(Json(found.await?))
}

/// A template
///
/// In a language without a text of its own, `text` is null, and can be written.
#[utoipa::path(get, path = "/api/v1/notification-templates/{trigger}/{channel}/{language}", tag = "notifications",
    operation_id = "get_notification_template",
    params(
        ("trigger" = TemplateTrigger, Path, description = "What the message is about."),
        ("channel" = Channel, Path, description = "How it goes."),
        ("language" = String, Path, description = "The language, a BCP 47 tag."),
    ),
    responses((status = 200, body = TemplateAnswer)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path((trigger, channel, language)): Path<(TemplateTrigger, Channel, String)>,
) -> Result<Response, Problem> {
    one(&state, &principal, engine::key(trigger, channel, &language)?).await
}

async fn one(state: &AppState, principal: &Principal, key: TemplateKey) -> Result<Response, Problem> {
    let (tenant, wanted) = (principal.tenant, key.clone());
    let own = state.engine.read(tenant, move |tx, _| Ok(stored::get(tx, tenant, &wanted)?)).await?;
    let default = template::shipped(&key).cloned();
    let summary = summary(key, own.as_ref());
    let text = own.map(|stored| stored.text).or_else(|| default.clone());
    let version = summary.version;
    Ok((etag(version), Json(TemplateAnswer { summary, text, default, variables: VARIABLES })).into_response())
}

/// Changes or adds a template
///
/// It is tried with made-up and with the tenant's own data: 422 with the line and what is wrong. An SMS has to fit
/// whatever the names in it.
#[utoipa::path(put, path = "/api/v1/notification-templates/{trigger}/{channel}/{language}", tag = "notifications",
    operation_id = "set_notification_template", request_body = TemplateEdit,
    params(
        ("trigger" = TemplateTrigger, Path, description = "What the message is about."),
        ("channel" = Channel, Path, description = "How it goes."),
        ("language" = String, Path, description = "The language, a BCP 47 tag."),
    ),
    responses((status = 200, body = TemplateAnswer)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    Path((trigger, channel, language)): Path<(TemplateTrigger, Channel, String)>,
    if_match: IfMatch,
    Json(edit): Json<TemplateEdit>,
) -> Result<Response, Problem> {
    let key = engine::key(trigger, channel, &language)?;
    let version = if_match.seen(edit.version)?;
    let text = TemplateText { subject: edit.subject, body: edit.body, html: edit.html };
    let (who, changed) = (principal.clone(), key.clone());
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::set(work, &changed, &text, version)
    });
    change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, key).await
}

/// Puts a template back to the shipped one
///
/// In a language that is not shipped, takes it away.
#[utoipa::path(delete, path = "/api/v1/notification-templates/{trigger}/{channel}/{language}", tag = "notifications",
    operation_id = "reset_notification_template",
    params(
        ("trigger" = TemplateTrigger, Path, description = "What the message is about."),
        ("channel" = Channel, Path, description = "How it goes."),
        ("language" = String, Path, description = "The language, a BCP 47 tag."),
        ResetTemplateParams,
    ),
    responses((status = 200, body = TemplateAnswer)))]
async fn reset(
    State(state): State<AppState>,
    principal: Principal,
    Path((trigger, channel, language)): Path<(TemplateTrigger, Channel, String)>,
    if_match: IfMatch,
    Query(params): Query<ResetTemplateParams>,
) -> Result<Response, Problem> {
    let key = engine::key(trigger, channel, &language)?;
    let version = if_match.seen(params.version).ok();
    let (who, changed) = (principal.clone(), key.clone());
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::reset(work, &changed, version)
    });
    change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, key).await
}

/// What a template makes of data
///
/// Nothing is kept or sent. 422 with the line and what is wrong, as when it is saved.
#[utoipa::path(post, path = "/api/v1/notification-templates/preview", tag = "notifications",
    operation_id = "preview_notification_template", request_body = TemplatePreviewRequest,
    responses((status = 200, body = TemplatePreviewAnswer)))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    Json(asked): Json<TemplatePreviewRequest>,
) -> Result<Json<TemplatePreviewAnswer>, Problem> {
    let about = match (asked.user_id, asked.device_id) {
        (Some(_), Some(_)) => return Err(Problem::invalid_field("/device_id", "cannot be given beside user_id")),
        (Some(user), None) => About::User(user),
        (None, Some(device)) => About::Device(device),
        (None, None) => About::Sample,
    };
    let (trigger, channel) = (asked.trigger, asked.channel);
    if !trigger.channels().contains(&channel) {
        return Err(Problem::invalid_field("/channel", "is none such a message goes by"));
    }
    if !language::is_tag(&asked.language) {
        return Err(Problem::invalid_field("/language", "must be a language tag such as de or pt-BR"));
    }
    let key = engine::key(trigger, channel, &asked.language)?;
    let (tenant, reach, now) = (principal.tenant, principal.reach, state.source.now());
    let made = state.engine.read(tenant, move |tx, rules| {
        let present = rules.templates.get(&key);
        let present = match (present, &asked.body) {
            (Some(present), _) => present.clone(),
            (None, Some(_)) => TemplateText::default(),
            (None, None) => return Err(Error::invalid("/body", "is required: there is no template in this language")),
        };
        let text = TemplateText {
            subject: asked.subject.clone().or(present.subject),
            body: asked.body.clone().unwrap_or(present.body),
            html: asked.html.clone().unwrap_or(present.html),
        };
        engine::preview(tx, tenant, rules, &engine::Asked { reach, key: key.clone(), text, about }, now)
    });
    let (subject, text, html) = match made.await? {
        Preview::Email(mail) => (Some(mail.subject), mail.text, Some(mail.html)),
        Preview::Text(text) => (None, text, None),
    };
    let length = (channel == Channel::Sms).then(|| sms::length(&text));
    Ok(Json(TemplatePreviewAnswer { subject, characters: text.chars().count(), text, html, length }))
}
