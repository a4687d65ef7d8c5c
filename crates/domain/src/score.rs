//! Scores of incidents: points that rise with severity and, for behaviour, fade with time.

use crate::{
    classification,
    level::RiskLevel,
    settings::ScoreSettings,
    threat::Threat,
    time::{Span, Time},
};

/// A score in thousandths of a point, so that sums are exact.
pub type MilliPoints = i64;

/// Score below which a fading incident ends: one point.
const END: MilliPoints = 1000;

/// What an incident scores at `now`, and when that changes next by time alone.
///
/// An open threat scores by its level. A resolved or ignored one scores nothing, unless it is behaviour-based: then
/// a resolved one keeps [`ScoreSettings::daily_decay`] of its score for each full day since it ended.
pub fn incident_score(
    threat: &Threat,
    level: RiskLevel,
    settings: &ScoreSettings,
    now: Time,
) -> (MilliPoints, Option<Time>) {
    let full = i64::from(match level {
        RiskLevel::None | RiskLevel::Advisory => 0,
        RiskLevel::Low => settings.low,
        RiskLevel::Medium => settings.medium,
        RiskLevel::High => settings.high,
    }) * 1000;
    if threat.is_open() {
        return (full, None);
    }
    let behaviour = classification::find(&threat.classification).is_some_and(|known| known.behaviour);
    if full == 0
        || !behaviour
        || threat.ignored.is_some()
        || threat.status() != crate::detection::ThreatStatus::Resolved
    {
        return (0, None);
    }
    let ended = threat.changed_at;
    let days = now.since(ended).as_micros().max(0) / Span::days(1).as_micros();
    let mut score = full;
    for _ in 0..days {
        score = decay(score, settings.daily_decay);
        if score < END {
            return (0, None);
        }
    }
    (score, Some(ended.plus(Span::days(days + 1))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "scores stay far below 2^52")]
fn decay(score: MilliPoints, left: f64) -> MilliPoints {
    ((score as f64) * left).round() as MilliPoints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_score_fades_as_documented() {
        let mut score = 75_000;
        let mut shown = vec![];
        while score >= END {
            shown.push(score / 1000);
            score = decay(score, 0.64);
        }
        assert_eq!(shown, [75, 48, 30, 19, 12, 8, 5, 3, 2, 1]);
    }
}
