//! Changing a tenant's settings.

use allclear_domain::{ids::JobId, settings::Settings};
use allclear_store::{jobs::Scope, tenants};

use crate::{Error, Problem, jobs, posture_rules, work::Work};

/// Replaces the settings. Returns their version now and the re-evaluation, if one is needed.
pub fn set(work: &mut Work<'_, '_>, settings: &Settings, version: Option<i64>) -> Result<(i64, Option<JobId>), Error> {
    let problems = settings.problems();
    Error::check(problems.into_iter().map(|(pointer, detail)| Problem::new(pointer, detail)).collect())?;
    let (before, present) = tenants::settings(work.tx, work.tenant)?;
    if let Some(version) = version {
        super::same_version(version, present)?;
    }
    if before == *settings {
        return Ok((present, None));
    }
    tenants::set_settings(work.tx, work.tenant, settings, present + 1)?;
    super::note(work, "settings", &"settings", "Settings", None, Some(&before), Some(settings));
    work.rules_changed()?;
    posture_rules::look_for_apps(work, &before.posture_rules, &settings.posture_rules)?;
    let decides = |settings: &Settings| {
        (
            settings.disconnected_after_days,
            settings.compliance,
            settings.scores.low,
            settings.scores.medium,
            settings.scores.high,
            settings.scores.daily_decay.to_bits(),
            settings.trusted_sources.clone(),
            settings.posture_rules.clone(),
        )
    };
    let job = if decides(&before) == decides(settings) {
        None
    } else {
        Some(jobs::reevaluate(work, Scope::all(), "settings changed".into())?)
    };
    Ok((present + 1, job))
}
