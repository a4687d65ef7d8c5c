//! Devices as they are shown: ids with their names, and the status of each profile with its reason.

use std::collections::HashMap;

use allclear_domain::{
    classification,
    compliance::Compliance,
    detection::ProtectionStatus,
    device::{self, EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership, SecurityState},
    ids::{DeviceId, OrganizationGroupId, ProfileId, SmartGroupId, Tenant, ThreatId, UserId},
    level::{Platform, RiskLevel},
    posture::{ProfileTarget, TargetReason},
    profile::{Desired, ProfileStatus, ResultStatus},
    rules::Rules,
    time::Time,
};
use allclear_engine::{Error, work::points};
use allclear_store::{db::Tx, devices::DeviceRecord, users};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::common::distinct;

/// A user, by name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NamedUser {
    /// The id.
    id: UserId,
    /// What people call them.
    name: String,
}

impl NamedUser {
    /// The user of a device among those whose names were looked up.
    pub(crate) fn of(names: &HashMap<UserId, String>, user: Option<UserId>) -> Option<Self> {
        user.and_then(|id| Some(Self { id, name: names.get(&id)?.clone() }))
    }
}

/// What the users of devices are called: one query for all of them.
pub(crate) fn user_names(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    records: &[DeviceRecord],
) -> Result<HashMap<UserId, String>, Error> {
    let ids = distinct(records.iter().filter_map(|record| record.facts.device.user).collect());
    let users = users::get_many(tx, tenant, &ids)?;
    Ok(users.into_iter().map(|user| (user.id, user.name().to_owned())).collect())
}

/// A device in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceSummary {
    /// Its id.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// Its operating system.
    platform: Platform,
    /// Where it lives in the tree.
    organization_group_id: OrganizationGroupId,
    /// Its user, if it has one.
    #[schema(required = true)]
    user_id: Option<UserId>,
    /// The same with their name.
    #[schema(required = true)]
    user: Option<NamedUser>,
    /// The maker's serial number.
    #[schema(required = true)]
    serial_number: Option<String>,
    /// The maker.
    #[schema(required = true)]
    manufacturer: Option<String>,
    /// The model.
    #[schema(required = true)]
    model: Option<String>,
    /// The version of the operating system.
    #[schema(required = true)]
    os_version: Option<String>,
    /// Whose it is.
    #[schema(required = true)]
    ownership: Option<Ownership>,
    /// Where it stands in its life with us.
    enrollment_status: EnrollmentStatus,
    /// The highest level among its open threats.
    risk_level: RiskLevel,
    /// Whether it may be trusted.
    compliance: Compliance,
    /// What its sensor last said, or disconnected after too long a silence.
    protection_status: ProtectionStatus,
    /// The sum of its incidents' scores, in points.
    score: f64,
    /// Its tags, by name.
    tags: Vec<String>,
    /// How many open threats are on it.
    open_threat_count: u32,
    /// When anything was last heard of it, to about an hour.
    #[schema(required = true)]
    last_contact: Option<Time>,
    /// When we first knew of it.
    created_at: Time,
}

impl DeviceSummary {
    /// Devices as a list shows them, in the same order.
    pub(super) fn all(
        tx: &mut Tx<'_>,
        rules: &Rules,
        tenant: Tenant,
        records: &[DeviceRecord],
    ) -> Result<Vec<Self>, Error> {
        let names = user_names(tx, tenant, records)?;
        Ok(records.iter().map(|record| Self::new(rules, &names, record)).collect())
    }

    fn new(rules: &Rules, names: &HashMap<UserId, String>, record: &DeviceRecord) -> Self {
        let (device, posture) = (&record.facts.device, &record.posture);
        Self {
            id: device.id,
            friendly_name: device.friendly_name.clone(),
            platform: device.platform,
            organization_group_id: device.organization_group,
            user_id: device.user,
            user: NamedUser::of(names, device.user),
            serial_number: device.serial_number.clone(),
            manufacturer: device.manufacturer.clone(),
            model: device.model.clone(),
            os_version: device.os_version.clone(),
            ownership: device.ownership,
            enrollment_status: device.enrollment,
            risk_level: posture.risk,
            compliance: posture.compliance,
            protection_status: posture.protection,
            score: points(posture.score),
            tags: tags(rules, record),
            open_threat_count: posture.open_threats,
            last_contact: device.sensor.last_contact,
            created_at: device.created_at,
        }
    }
}

fn tags(rules: &Rules, record: &DeviceRecord) -> Vec<String> {
    let mut tags: Vec<String> =
        record.posture.tags.iter().filter_map(|id| Some(rules.tag(*id)?.name.clone())).collect();
    tags.sort_unstable();
    tags
}

/// A device, with everything derived about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its id.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// Its operating system.
    platform: Platform,
    /// Where it lives in the tree.
    organization_group_id: OrganizationGroupId,
    /// Its user, if it has one.
    #[schema(required = true)]
    user: Option<DeviceUser>,
    /// The maker's serial number.
    #[schema(required = true)]
    serial_number: Option<String>,
    /// Apple's device identifier.
    #[schema(required = true)]
    udid: Option<String>,
    /// The id another management system knows it by.
    #[schema(required = true)]
    external_id: Option<String>,
    /// The cellular identity.
    #[schema(required = true)]
    imei: Option<String>,
    /// The maker.
    #[schema(required = true)]
    manufacturer: Option<String>,
    /// The model.
    #[schema(required = true)]
    model: Option<String>,
    /// The version of the operating system.
    #[schema(required = true)]
    os_version: Option<String>,
    /// Android's security patch level.
    #[schema(required = true)]
    security_patch_level: Option<String>,
    /// What is seen of how it is protected; null: not known.
    security: SecurityState,
    /// Whose it is.
    #[schema(required = true)]
    ownership: Option<Ownership>,
    /// How much of it is managed.
    #[schema(required = true)]
    management: Option<ManagementType>,
    /// The way it came to us.
    #[schema(required = true)]
    enrollment_category: Option<EnrollmentCategory>,
    /// Where it stands in its life with us.
    enrollment_status: EnrollmentStatus,
    /// When it enrolled last.
    #[schema(required = true)]
    enrolled_at: Option<Time>,
    /// When anything was last heard of it, to about an hour.
    #[schema(required = true)]
    last_contact: Option<Time>,
    /// The highest level among its open threats.
    risk_level: RiskLevel,
    /// Whether it may be trusted.
    compliance: Compliance,
    /// What its sensor last said, or disconnected after too long a silence.
    protection_status: ProtectionStatus,
    /// The sum of its incidents' scores, in points.
    score: f64,
    /// Its tags, by name.
    tags: Vec<String>,
    /// The smart groups it is in, by name.
    smart_groups: Vec<Named>,
    /// The profiles that concern it, by name.
    profiles: Vec<DeviceProfile>,
    /// The open threats on it, the worst first.
    open_threats: Vec<OpenThreat>,
    /// The optional profiles that were asked for.
    requested_profile_ids: Vec<ProfileId>,
    /// When we first knew of it.
    created_at: Time,
    /// Grows with every change, detections and reports too.
    version: i64,
}

/// The user of a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DeviceUser {
    /// The user.
    id: UserId,
    /// The name, unique in the tenant.
    user_name: String,
    /// What people call them.
    #[schema(required = true)]
    display_name: Option<String>,
}

/// A smart group a device is in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Named {
    /// Its id.
    id: SmartGroupId,
    /// Its name.
    name: String,
}

/// A profile that concerns a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DeviceProfile {
    /// Its id.
    id: ProfileId,
    /// Its name; empty if it is gone.
    name: String,
    /// The version that is to be installed, else the one on the device; null if there is neither.
    #[schema(required = true)]
    version: Option<u32>,
    /// What should be.
    desired: DesiredAction,
    /// Where it stands by what the device reported; null if there is nothing to say.
    #[schema(required = true)]
    status: Option<ProfileStatus>,
    /// The device's own words when something failed or has to wait; null if it said nothing.
    #[schema(required = true)]
    detail: Option<String>,
    /// Why this should be.
    reason: TargetReason,
    /// The version the device says is on it.
    #[schema(required = true)]
    installed_version: Option<u32>,
    /// The installation waits for its window until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<Time>,
    /// Since when this should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
}

/// What should be about a profile on a device.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DesiredAction {
    /// It is on it.
    Install,
    /// It is taken off.
    Remove,
    /// Nothing is asked of the device.
    Nothing,
}

/// An open threat on a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OpenThreat {
    /// Our id.
    id: ThreatId,
    /// Who detected it.
    source: String,
    /// The source's id of it.
    threat_id: String,
    /// Its kind.
    #[schema(example = "trojan")]
    classification: String,
    /// The kind's name for people.
    name: String,
    /// How bad it is.
    level: RiskLevel,
    /// The earliest time any detection gave.
    first_seen: Time,
    /// The time of its last change.
    changed_at: Time,
}

impl Device {
    /// A device with the names of what it refers to.
    pub(super) fn new(tx: &mut Tx<'_>, rules: &Rules, tenant: Tenant, record: &DeviceRecord) -> Result<Self, Error> {
        let (facts, posture) = (&record.facts, &record.posture);
        let device: &device::Device = &facts.device;
        let user = match device.user {
            Some(id) => users::get(tx, tenant, id)?,
            None => None,
        };
        let user =
            user.map(|user| DeviceUser { id: user.id, user_name: user.user_name, display_name: user.display_name });
        let named = posture.smart_groups.iter().filter_map(|id| rules.smart_group(*id));
        let mut smart_groups: Vec<Named> =
            named.map(|group| Named { id: group.id, name: group.name.clone() }).collect();
        smart_groups.sort_by(|a, b| a.name.cmp(&b.name));
        let mut profiles: Vec<DeviceProfile> =
            posture.profiles.iter().map(|target| profile(rules, record, target)).collect();
        profiles.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            id: device.id,
            friendly_name: device.friendly_name.clone(),
            platform: device.platform,
            organization_group_id: device.organization_group,
            user,
            serial_number: device.serial_number.clone(),
            udid: device.udid.clone(),
            external_id: device.external_id.clone(),
            imei: device.imei.clone(),
            manufacturer: device.manufacturer.clone(),
            model: device.model.clone(),
            os_version: device.os_version.clone(),
            security_patch_level: device.security_patch_level.clone(),
            security: device.security,
            ownership: device.ownership,
            management: device.management,
            enrollment_category: device.enrollment_category,
            enrollment_status: device.enrollment,
            enrolled_at: device.enrolled_at,
            last_contact: device.sensor.last_contact,
            risk_level: posture.risk,
            compliance: posture.compliance,
            protection_status: posture.protection,
            score: points(posture.score),
            tags: tags(rules, record),
            smart_groups,
            profiles,
            open_threats: open_threats(rules, record),
            requested_profile_ids: device.requested_profiles.clone(),
            created_at: device.created_at,
            version: record.version,
        })
    }

    /// The version, for the `ETag`.
    pub(super) fn version(&self) -> i64 {
        self.version
    }
}

fn profile(rules: &Rules, record: &DeviceRecord, target: &ProfileTarget) -> DeviceProfile {
    let report = record.facts.reports.iter().find(|report| report.profile == target.profile);
    let installed_version = report.and_then(|report| report.installed);
    let (desired, version) = match target.desired {
        Desired::Install { version } => (DesiredAction::Install, Some(version)),
        Desired::Remove => (DesiredAction::Remove, installed_version),
        Desired::Nothing => (DesiredAction::Nothing, installed_version),
    };
    let answer = report.and_then(|report| report.answer.as_ref());
    // What it says when all went well is of no interest any more.
    let detail = answer.filter(|answer| answer.status != ResultStatus::Acknowledged);
    DeviceProfile {
        id: target.profile,
        name: rules.profile(target.profile).map(|profile| profile.name.clone()).unwrap_or_default(),
        version,
        desired,
        status: record.profile_status(target),
        detail: detail.and_then(|answer| answer.detail.clone()),
        reason: target.reason,
        installed_version,
        held_until: target.held_until,
        since: record.since.parts.get(&target.profile.0).copied(),
    }
}

fn open_threats(rules: &Rules, record: &DeviceRecord) -> Vec<OpenThreat> {
    let open = record.facts.threats.iter().filter(|threat| threat.is_open());
    let mut threats: Vec<OpenThreat> = open
        .map(|threat| OpenThreat {
            id: threat.id,
            source: threat.source.clone(),
            threat_id: threat.threat_id.clone(),
            classification: threat.classification.clone(),
            name: classification::find(&threat.classification)
                .map_or_else(|| threat.classification.clone(), |known| known.name.to_owned()),
            level: rules.protections.rate(threat, rules.trusts(&threat.source)).0,
            first_seen: threat.first_seen,
            changed_at: threat.changed_at,
        })
        .collect();
    threats.sort_by_key(|threat| (std::cmp::Reverse(threat.level), threat.first_seen, threat.id));
    threats
}
