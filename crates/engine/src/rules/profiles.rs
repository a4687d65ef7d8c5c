//! Drafting, publishing and retiring profiles.

use allclear_domain::{
    ids::{JobId, OrganizationGroupId, ProfileId, SmartGroupId, Tenant},
    level::Platform,
    payload,
    profile::{AllowRemoval, Profile, ProfileSpec, ProfileState},
    rules::Rules,
};
use allclear_store::{
    jobs::Scope,
    profiles::{self as stored, PublishedVersion, StoredProfile},
};

use crate::{
    Error, Problem, jobs,
    seal::{MARK, Sealer},
    source::Source,
    work::Work,
};

/// What stands for a secret that is set. Handed in again, it leaves the secret as it is.
pub const MASK: &str = "********";

/// What is handed in about a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Its platform; cannot be changed later.
    pub platform: Platform,
    /// Where it lives.
    pub organization_group: OrganizationGroupId,
    /// Everything that is set about it, with secrets in the clear or masked.
    pub spec: ProfileSpec,
}

/// Creates a draft.
pub fn create(work: &mut Work<'_, '_>, sealer: &Sealer, draft: Draft) -> Result<StoredProfile, Error> {
    check(work, &draft, None)?;
    let spec = seal(sealer, work.tenant, work.source, draft.spec, None)?;
    let profile = StoredProfile {
        id: ProfileId(work.source.id()),
        name: draft.name,
        platform: draft.platform,
        organization_group: draft.organization_group,
        state: ProfileState::Draft,
        published_version: 0,
        draft: spec,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    super::name_taken(stored::insert(work.tx, work.tenant, &profile), "profile")?;
    let shown = masked(profile.draft.clone());
    super::note(work, "profile", &profile.id, &profile.name, Some(profile.organization_group), None, Some(&shown));
    Ok(profile)
}

/// Changes a draft. What is published stays in force until the draft is published.
pub fn update(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    id: ProfileId,
    draft: Draft,
    version: Option<i64>,
) -> Result<StoredProfile, Error> {
    let before = get(work, id)?;
    if let Some(version) = version {
        super::same_version(version, before.version)?;
    }
    if draft.platform != before.platform {
        return Err(Error::invalid("/platform", "cannot be changed: make a new profile for the other platform"));
    }
    check(work, &draft, Some(&before.draft))?;
    let renamed = before.name != draft.name;
    let mut after = before.clone();
    after.draft = seal(sealer, work.tenant, work.source, draft.spec, Some(&before.draft))?;
    after.name = draft.name;
    after.organization_group = draft.organization_group;
    if after == before {
        return Ok(after);
    }
    after.version += 1;
    after.updated_at = work.now;
    super::name_taken(stored::update(work.tx, work.tenant, &after), "profile")?;
    let (old, new) = (masked(before.draft), masked(after.draft.clone()));
    super::note(work, "profile", &id, &after.name, Some(after.organization_group), Some(&old), Some(&new));
    if renamed {
        work.rules_changed()?;
    }
    Ok(after)
}

/// Publishes the draft as the next version. Returns the profile and the re-evaluation.
pub fn publish(work: &mut Work<'_, '_>, id: ProfileId, version: Option<i64>) -> Result<(StoredProfile, JobId), Error> {
    let mut profile = get(work, id)?;
    if let Some(version) = version {
        super::same_version(version, profile.version)?;
    }
    if profile.draft.assigned_groups.is_empty() {
        return Err(Error::invalid("/spec/assigned_groups", "must name at least one smart group before publishing"));
    }
    let draft = Draft {
        name: profile.name.clone(),
        platform: profile.platform,
        organization_group: profile.organization_group,
        spec: masked(profile.draft.clone()),
    };
    check(work, &draft, Some(&profile.draft))?;
    let groups_before = work.rules().profile(id).map(|now| now.spec.assigned_groups.clone()).unwrap_or_default();
    let was = profile.state;
    profile.published_version += 1;
    profile.state = ProfileState::Published;
    profile.version += 1;
    profile.updated_at = work.now;
    let published = PublishedVersion {
        number: profile.published_version,
        spec: profile.draft.clone(),
        published_at: work.now,
        published_by: work.actor().name.clone(),
    };
    stored::publish(work.tx, work.tenant, id, &published)?;
    stored::update(work.tx, work.tenant, &profile)?;
    note_state(work, &profile, was);
    work.rules_changed()?;
    super::refuse_cycles(work, "/spec/assigned_groups")?;
    let scope = scope(id, &groups_before, &profile.draft.assigned_groups);
    let reason = format!("profile \"{}\" published as version {}", profile.name, profile.published_version);
    let job = jobs::reevaluate(work, scope, reason)?;
    Ok((profile, job))
}

/// Takes a published profile back from all devices. Publishing brings it back.
pub fn retire(work: &mut Work<'_, '_>, id: ProfileId, version: Option<i64>) -> Result<(StoredProfile, JobId), Error> {
    let mut profile = get(work, id)?;
    if let Some(version) = version {
        super::same_version(version, profile.version)?;
    }
    if profile.state != ProfileState::Published {
        return Err(Error::Conflict("only a published profile can be retired".into()));
    }
    let was = profile.state;
    profile.state = ProfileState::Retired;
    profile.version += 1;
    profile.updated_at = work.now;
    stored::update(work.tx, work.tenant, &profile)?;
    note_state(work, &profile, was);
    work.rules_changed()?;
    let groups = work.rules().profile(id).map(|now| now.spec.assigned_groups.clone()).unwrap_or_default();
    let scope = scope(id, &groups, &[]);
    let job = jobs::reevaluate(work, scope, format!("profile \"{}\" retired", profile.name))?;
    Ok((profile, job))
}

/// Deletes a profile that was never published.
pub fn delete(work: &mut Work<'_, '_>, id: ProfileId) -> Result<(), Error> {
    let profile = get(work, id)?;
    if profile.published_version > 0 {
        return Err(Error::Conflict("only a draft that was never published can be deleted: retire the profile".into()));
    }
    stored::delete(work.tx, work.tenant, id)?;
    let shown = masked(profile.draft);
    super::note(work, "profile", &id, &profile.name, Some(profile.organization_group), Some(&shown), None);
    Ok(())
}

fn get(work: &mut Work<'_, '_>, id: ProfileId) -> Result<StoredProfile, Error> {
    stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("profile"))
}

fn note_state(work: &mut Work<'_, '_>, profile: &StoredProfile, was: ProfileState) {
    let before = serde_json::json!({ "state": was });
    let after = serde_json::json!({ "state": profile.state, "published_version": profile.published_version });
    let group = Some(profile.organization_group);
    super::note(work, "profile", &profile.id, &profile.name, group, Some(&before), Some(&after));
}

/// The rules as they would be if the draft were published.
pub fn proposed(rules: &Rules, profile: &StoredProfile) -> Rules {
    let mut proposed = rules.clone();
    proposed.profiles.retain(|other| other.id != profile.id);
    proposed.profiles.push(Profile {
        id: profile.id,
        name: profile.name.clone(),
        platform: profile.platform,
        state: ProfileState::Published,
        version: profile.published_version + 1,
        spec: profile.draft.clone(),
    });
    proposed.profiles.sort_unstable_by_key(|profile| profile.id);
    proposed
}

/// The devices a publication concerns.
pub fn scope(id: ProfileId, before: &[SmartGroupId], after: &[SmartGroupId]) -> Scope {
    let mut smart_groups: Vec<SmartGroupId> = before.iter().chain(after).copied().collect();
    smart_groups.sort_unstable();
    smart_groups.dedup();
    Scope { profiles: vec![id], smart_groups, ..Scope::default() }
}

/// The spec with its secrets masked, for showing.
pub fn masked(mut spec: ProfileSpec) -> ProfileSpec {
    each_secret(&mut spec, &mut |secret| MASK.clone_into(secret));
    spec
}

/// The spec with its secrets opened, for the device.
pub fn opened(sealer: &Sealer, tenant: Tenant, mut spec: ProfileSpec) -> Result<ProfileSpec, Error> {
    let mut failed = None;
    each_secret(&mut spec, &mut |secret| match sealer.open_text(tenant, secret) {
        Ok(open) => *secret = open,
        Err(error) => failed = Some(error),
    });
    failed.map_or(Ok(spec), Err)
}

fn each_secret(spec: &mut ProfileSpec, visit: &mut dyn FnMut(&mut String)) {
    spec.removal_password.iter_mut().for_each(&mut *visit);
    payload::secrets(&mut spec.payloads, visit);
}

fn secrets_of(spec: &ProfileSpec) -> Vec<String> {
    let mut secrets = Vec::new();
    each_secret(&mut spec.clone(), &mut |secret| secrets.push(secret.clone()));
    secrets
}

/// Seals the secrets; a masked one keeps what the draft had in its place.
fn seal(
    sealer: &Sealer,
    tenant: Tenant,
    source: &dyn Source,
    mut spec: ProfileSpec,
    before: Option<&ProfileSpec>,
) -> Result<ProfileSpec, Error> {
    let kept = before.map(secrets_of).unwrap_or_default();
    let same_places = secrets_of(&spec).len() == kept.len();
    let mut kept = kept.into_iter();
    let mut failed = None;
    each_secret(&mut spec, &mut |secret| {
        let old = kept.next();
        if secret == MASK {
            match old.filter(|_| same_places) {
                Some(old) => *secret = old,
                None => failed = Some(Error::invalid("/spec", "a secret is masked that was not set before: enter it")),
            }
        } else if secret.starts_with(MARK) {
            failed = Some(Error::invalid("/spec", format!("a secret must not begin with {MARK:?}")));
        } else {
            match sealer.seal_text(tenant, secret, source) {
                Ok(sealed) => *secret = sealed,
                Err(error) => failed = Some(error),
            }
        }
    });
    failed.map_or(Ok(spec), Err)
}

/// Checks a draft against the platform's schema and the tenant's things. `before` is the draft it replaces.
fn check(work: &mut Work<'_, '_>, draft: &Draft, before: Option<&ProfileSpec>) -> Result<(), Error> {
    let spec = &draft.spec;
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(super::name_problem("/name", &draft.name));
    problems.extend(super::organization_group_problem(work.rules(), draft.organization_group, "a profile"));
    if spec.description.chars().count() > 1000 {
        problems.push(Problem::new("/spec/description", "must be at most 1000 characters"));
    }
    let has_password = spec.removal_password.as_deref().is_some_and(|password| !password.is_empty());
    match spec.allow_removal {
        AllowRemoval::WithAuthorization if !has_password => {
            problems.push(Problem::new("/spec/removal_password", "is needed for removal with authorization"));
        }
        AllowRemoval::Always | AllowRemoval::Never if spec.removal_password.is_some() => {
            problems.push(Problem::new("/spec/removal_password", "is only for removal with authorization"));
        }
        _ => {}
    }
    if let Some(group) = spec.managed_by
        && !work.rules().organization_groups.contains(group)
    {
        problems.push(Problem::new("/spec/managed_by", "is no organization group"));
    }
    for (name, groups) in [("assigned_groups", &spec.assigned_groups), ("excluded_groups", &spec.excluded_groups)] {
        if groups.len() > 100 {
            problems.push(Problem::new(format!("/spec/{name}"), "must be at most 100 smart groups"));
        }
        for (index, group) in groups.iter().enumerate() {
            if work.rules().smart_group(*group).is_none() {
                problems.push(Problem::new(format!("/spec/{name}/{index}"), "is no smart group"));
            }
        }
    }
    if let Some(schedule) = &spec.install_schedule {
        let at = |pointer| format!("/spec/install_schedule{pointer}");
        problems.extend(schedule.problems().into_iter().map(|(pointer, detail)| Problem::new(at(pointer), detail)));
    }
    let (rules, at) = (work.rules_handle(), "/spec/install_criteria");
    let criteria = &spec.install_criteria;
    problems.extend(super::smart_groups::criteria_problems(work.tx, work.tenant, &rules, criteria, at)?);
    // A masked secret stands for one that passed this check when it was set: any text of good length, Base64 too, will do.
    let mut payloads = spec.payloads.clone();
    let placeholder = before.is_some().then_some("maskedsecret");
    payload::secrets(&mut payloads, &mut |secret| {
        if let (MASK, Some(text)) = (secret.as_str(), placeholder) {
            text.clone_into(secret);
        }
    });
    for issue in payload::check(draft.platform, &payloads) {
        problems.push(Problem::new(format!("/spec/payloads{}", issue.pointer), issue.detail));
    }
    Error::check(problems)
}
