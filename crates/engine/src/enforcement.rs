//! How fast threats lead to restrictions: from the commit that takes a detection in to the device's word that the
//! profile it asked for is installed.
//!
//! What is measured: a threat opens, and in the same commit a profile becomes wanted; later the device reports it
//! installed for the first time. Counted in buckets that grow by a twelfth of their size, so that a percentile is known
//! within five percent. Costs the path of a detection nothing: the beginning is read from the journal at the end.

use allclear_domain::{
    detection::ThreatStatus,
    ids::{DeviceId, ProfileId, Tenant},
    journal::{Change, Entry},
    profile::Desired,
    time::{Span, Time},
};
use allclear_store::{db::Tx, devices::DeviceRecord, journal};

use crate::Error;

/// The metric, in seconds.
pub const METRIC: &str = "allclear_enforcement_seconds";

/// Buckets for each doubling.
const STEPS: f64 = 8.0;
/// How many of a device's entries are looked at for the beginning.
const ENTRIES: usize = 64;
/// How long counts are kept, in hours.
pub(crate) const KEPT_HOURS: i64 = 24 * 8;

/// The hour a time lies in, counted from 1970.
pub fn hour(at: Time) -> i64 {
    at.as_micros().div_euclid(Span::seconds(3600).as_micros())
}

/// The bucket of a length of time; 0 holds everything up to a millisecond.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a logarithm is small")]
pub(crate) fn bucket(span: Span) -> i64 {
    let millis = span.as_micros() as f64 / 1000.0;
    (millis.max(1.0).log2() * STEPS).floor() as i64
}

/// The seconds in the middle of a bucket.
#[expect(clippy::cast_precision_loss, reason = "buckets are small numbers")]
pub fn seconds(bucket: i64) -> f64 {
    ((bucket as f64 + 0.5) / STEPS).exp2() / 1000.0
}

/// The bucket below which lies a share of what was counted; none if nothing was. `share` is within 0 to 1.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts stay far below 2^52")]
pub fn percentile(counts: &[(i64, i64)], share: f64) -> Option<i64> {
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let wanted = ((total as f64 * share).ceil() as i64).max(1);
    let mut seen = 0;
    counts.iter().find_map(|(bucket, count)| {
        seen += count;
        (seen >= wanted).then_some(*bucket)
    })
}

/// Profiles that a device has reported installed in the version that is wanted, and had not before.
pub(crate) fn newly_installed(old: &DeviceRecord, new: &DeviceRecord) -> Vec<ProfileId> {
    if old.facts.reports == new.facts.reports {
        return Vec::new();
    }
    let installed = |record: &DeviceRecord, profile: ProfileId, version: u32| {
        record.facts.reports.iter().any(|report| report.profile == profile && report.is_installed(version))
    };
    let wanted = new.posture.profiles.iter().filter_map(|target| match target.desired {
        Desired::Install { version } => Some((target.profile, version)),
        Desired::Remove | Desired::Nothing => None,
    });
    wanted
        .filter(|(profile, version)| installed(new, *profile, *version) && !installed(old, *profile, *version))
        .map(|(profile, _)| profile)
        .collect()
}

/// When the threat was taken in because of which a profile has been wanted since `wanted_since`; none if that was not
/// because of a threat. `newest` is the position of the device's newest entry.
pub(crate) fn began(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    newest: i64,
    profile: ProfileId,
    wanted_since: Time,
) -> Result<Option<Time>, Error> {
    let mut position = Some(newest);
    for _ in 0..ENTRIES {
        let Some(at) = position else { break };
        let (entries, next) = journal::of_device(tx, tenant, device, at, 1)?;
        match entries.first() {
            Some(entry) if entry.at < wanted_since => break,
            Some(entry) if wants_for_a_threat(entry, profile) => return Ok(Some(entry.at)),
            Some(_) => position = next,
            None => break,
        }
    }
    Ok(None)
}

fn wants_for_a_threat(entry: &Entry, profile: ProfileId) -> bool {
    let opened = |change: &Change| matches!(change, Change::Threat { to: ThreatStatus::Open, .. });
    let wanted = |change: &Change| matches!(change, Change::Profile { profile: it, desired: Desired::Install { .. }, .. } if *it == profile);
    entry.changes.iter().any(opened) && entry.changes.iter().any(wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_counted_from_below() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[(3, 1)], 0.5), Some(3));
        let counts = [(1, 50), (2, 45), (9, 5)];
        assert_eq!(
            [0.0, 0.5, 0.51, 0.95, 0.96, 1.0].map(|share| percentile(&counts, share)),
            [Some(1), Some(1), Some(2), Some(2), Some(9), Some(9)]
        );
    }

    proptest! {
        #[test]
        fn a_bucket_is_true_to_five_percent(micros in 1_000_i64..10_i64.pow(12)) {
            let exact = micros as f64 / 1e6;
            let shown = seconds(bucket(Span::micros(micros)));
            prop_assert!((shown / exact - 1.0).abs() < 0.05, "{shown} for {exact}");
        }
    }
}
