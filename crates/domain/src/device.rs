//! What is known about a device: the facts the evaluation starts from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    check::Check,
    detection::ProtectionStatus,
    ids::{DeviceId, OrganizationGroupId, ProfileId, TagId, UserGroupId, UserId},
    level::Platform,
    profile::ProfileReport,
    threat::Threat,
    time::Time,
};

/// Whose the device is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Belongs to the organisation and to one person's work.
    CorporateDedicated,
    /// Belongs to the organisation and is used by several people.
    CorporateShared,
    /// Belongs to the person.
    EmployeeOwned,
}

/// Where a device stands in its life with us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentStatus {
    /// Known, but has not enrolled yet.
    #[default]
    Pending,
    /// Managed by us.
    Enrolled,
    /// No longer managed.
    Unenrolled,
}

impl EnrollmentStatus {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            EnrollmentStatus::Pending => "pending",
            EnrollmentStatus::Enrolled => "enrolled",
            EnrollmentStatus::Unenrolled => "unenrolled",
        }
    }
}

/// How much of the device the organisation manages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManagementType {
    /// Android: the whole device (device owner).
    FullyManaged,
    /// Android: a work profile only.
    WorkProfile,
    /// Android: a single-purpose device.
    Dedicated,
    /// iOS: supervised.
    Supervised,
    /// iOS: managed without supervision.
    DeviceEnrollment,
    /// iOS: user enrollment, work data only.
    UserEnrollment,
    /// Only the agent is on the device.
    Agent,
}

/// The way the device came to us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentCategory {
    /// Apple's Automated Device Enrollment or Android zero-touch.
    Automated,
    /// By an administrator or with a token handed over by one.
    Staged,
    /// By the person, with an enrollment token.
    SelfService,
}

/// What a device is and who it belongs to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Device {
    /// Our id.
    pub id: DeviceId,
    /// Where it lives in the tree.
    pub organization_group: OrganizationGroupId,
    /// Its user, if it has one.
    pub user: Option<UserId>,
    /// The user groups of its user, kept with the device so that one row decides about it.
    pub user_groups: Vec<UserGroupId>,
    /// What people call it.
    pub friendly_name: String,
    /// Its operating system.
    pub platform: Platform,
    /// The maker's serial number.
    pub serial_number: Option<String>,
    /// Apple's device identifier.
    pub udid: Option<String>,
    /// The id another management system knows it by.
    pub external_id: Option<String>,
    /// The cellular identity.
    pub imei: Option<String>,
    /// The maker.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
    /// Android's security patch level, `YYYY-MM-DD`.
    pub security_patch_level: Option<String>,
    /// Whose it is.
    pub ownership: Option<Ownership>,
    /// How much of it is managed.
    pub management: Option<ManagementType>,
    /// The way it came to us.
    pub enrollment_category: Option<EnrollmentCategory>,
    /// Where it stands.
    pub enrollment: EnrollmentStatus,
    /// When it enrolled last.
    pub enrolled_at: Option<Time>,
    /// Ordinary tags, set by people. Sorted.
    pub tags: Vec<TagId>,
    /// Profiles of assignment type optional that were asked for. Sorted.
    pub requested_profiles: Vec<ProfileId>,
    /// What the sensor last said of itself.
    pub sensor: Sensor,
    /// When we first knew of it.
    pub created_at: Time,
    /// What is seen of how it is protected.
    #[serde(default, skip_serializing_if = "SecurityState::is_unknown")]
    pub security: SecurityState,
}

impl Device {
    /// A device of which nothing else is known yet, and which has not enrolled.
    pub fn new(id: DeviceId, organization_group: OrganizationGroupId, platform: Platform, created_at: Time) -> Self {
        Self {
            id,
            organization_group,
            user: None,
            user_groups: Vec::new(),
            friendly_name: String::new(),
            platform,
            serial_number: None,
            udid: None,
            external_id: None,
            imei: None,
            manufacturer: None,
            model: None,
            os_version: None,
            security_patch_level: None,
            ownership: None,
            management: None,
            enrollment_category: None,
            enrollment: EnrollmentStatus::Pending,
            enrolled_at: None,
            tags: Vec::new(),
            requested_profiles: Vec::new(),
            sensor: Sensor::default(),
            created_at,
            security: SecurityState::default(),
        }
    }
}

/// What a device's agent, or its management, sees of how the device is protected. What is absent is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SecurityState {
    /// A passcode, pattern or password is asked to unlock it.
    pub passcode_present: Option<bool>,
    /// Its data is encrypted.
    pub encrypted: Option<bool>,
    /// The system's own protection is broken: rooted (Android) or jailbroken (iOS).
    pub rooted: Option<bool>,
    /// Android: it starts systems that are not the maker's.
    pub bootloader_unlocked: Option<bool>,
    /// Android: a computer may debug it by cable.
    pub usb_debugging: Option<bool>,
    /// Developer options or Developer Mode are on.
    pub developer_mode: Option<bool>,
    /// Android: apps may be installed from outside the store.
    pub unknown_sources: Option<bool>,
}

impl SecurityState {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what was seen, and names what changed.
    pub fn take(&mut self, seen: &SecurityState) -> Vec<&'static str> {
        let mut changed = Vec::new();
        for (name, known, seen) in [
            ("passcode_present", &mut self.passcode_present, seen.passcode_present),
            ("encrypted", &mut self.encrypted, seen.encrypted),
            ("rooted", &mut self.rooted, seen.rooted),
            ("bootloader_unlocked", &mut self.bootloader_unlocked, seen.bootloader_unlocked),
            ("usb_debugging", &mut self.usb_debugging, seen.usb_debugging),
            ("developer_mode", &mut self.developer_mode, seen.developer_mode),
            ("unknown_sources", &mut self.unknown_sources, seen.unknown_sources),
        ] {
            if seen.is_some() && *known != seen {
                *known = seen;
                changed.push(name);
            }
        }
        changed
    }
}

/// What the threat sensor on a device last said of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sensor {
    /// The status it reported; nothing yet means pending.
    pub status: Option<ProtectionStatus>,
    /// When it reported that status: an older report never replaces a newer one.
    pub reported_at: Option<Time>,
    /// When anything was last heard of the device. Kept to the hour, see [`Sensor::CONTACT_STEP`].
    pub last_contact: Option<Time>,
}

impl Sensor {
    /// A contact is recorded only when it is this much later than the last one, so that a poll costs no write.
    pub const CONTACT_STEP: crate::time::Span = crate::time::Span::seconds(3600);
}

/// Everything the evaluation of one device reads. Kept as one value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// What it is.
    pub device: Device,
    /// Its threats: all open and ignored ones, and the resolved ones that still matter.
    pub threats: Vec<Threat>,
    /// What it reported about profiles, and what it was last told.
    pub reports: Vec<ProfileReport>,
    /// What its owner last asked it to check; none if they never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}
