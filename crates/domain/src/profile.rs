//! Profiles: what is to be on a device, what the device reported, and the status that follows from the two.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{CommandId, OrganizationGroupId, ProfileId, SmartGroupId},
    level::Platform,
    payload::{self, DeviceTraits, Need, Payload, Requirement},
    schedule::InstallSchedule,
    smart_group::Criteria,
    time::{Span, Time},
};

/// What happens to the profile when the device is unenrolled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    /// Removed.
    #[default]
    Managed,
    /// Stays.
    Manual,
}

/// How a device in an assigned group comes to the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentType {
    /// At once.
    #[default]
    Auto,
    /// When it was asked for on the device.
    Optional,
    /// While the device is not compliant.
    Compliance,
}

/// Whether the person may remove the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllowRemoval {
    /// At any time.
    Always,
    /// With a password.
    WithAuthorization,
    /// Not at all.
    #[default]
    Never,
}

/// How far a profile has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileState {
    /// Never published: on no device.
    Draft,
    /// In force in its published version.
    Published,
    /// Taken back from all devices.
    Retired,
}

/// A profile as the evaluation sees it: one that was published at least once.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// The platform it is made for; always wins over a group's platform criterion.
    pub platform: Platform,
    /// Published or retired.
    pub state: ProfileState,
    /// The published version, from 1.
    pub version: u32,
    /// Everything that is set about it.
    pub spec: ProfileSpec,
}

/// Everything that is set about a profile. Saved as a draft, published as a version.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// What happens at unenrollment.
    pub deployment: Deployment,
    /// How devices come to it.
    pub assignment_type: AssignmentType,
    /// Whether the person may remove it.
    pub allow_removal: AllowRemoval,
    /// The password for removal with authorization. Written, never shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal_password: Option<String>,
    /// The organization group that manages it; absent: the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<OrganizationGroupId>,
    /// Devices in any of these groups get it,
    pub assigned_groups: Vec<SmartGroupId>,
    /// unless they are in any of these.
    pub excluded_groups: Vec<SmartGroupId>,
    /// Install only on devices that match these; empty: on all.
    pub install_criteria: Criteria,
    /// Install only: it is not removed when the device leaves the groups.
    pub install_only: bool,
    /// Install only within a weekly window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_schedule: Option<InstallSchedule>,
    /// Removed everywhere from this time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal_date: Option<Time>,
    /// What it puts on the device.
    pub payloads: Vec<Payload>,
}

impl ProfileSpec {
    /// What its parts need of a device, each with a JSON pointer into this.
    pub fn requirements(&self, platform: Platform) -> Vec<Requirement> {
        let mut found: Vec<Requirement> = self.removal_needs(platform).into_iter().collect();
        for (index, payload) in self.payloads.iter().enumerate() {
            let at = |pointer: &str| format!("/payloads/{index}{pointer}");
            let parts = payload::requirements(platform, payload).into_iter();
            found.extend(parts.map(|part| Requirement { pointer: at(&part.pointer), needs: part.needs }));
        }
        found
    }

    /// What of it has no effect on a device, in sentences, as far as the device is known.
    pub fn unmet(&self, platform: Platform, device: &DeviceTraits<'_>) -> Vec<String> {
        let mut found = payload::unmet(platform, &self.payloads, device);
        if self.removal_needs(platform).is_some() && device.supervised == Some(false) {
            found.push(
                "Allow Removal has no effect on a device without supervision: the profile goes with the management, \
                 which the person may remove."
                    .to_owned(),
            );
        }
        found
    }

    /// iOS: whether a profile may be removed is up to the server on supervised devices only. On others the person
    /// cannot remove a single profile, but the management with all its profiles.
    fn removal_needs(&self, platform: Platform) -> Option<Requirement> {
        let bound = platform == Platform::Ios && self.allow_removal != AllowRemoval::Always;
        bound.then(|| Requirement { pointer: "/allow_removal".to_owned(), needs: Need::Supervised })
    }
}

/// What should be the case for one profile on one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Desired {
    /// This version is on it.
    Install {
        /// The version.
        version: u32,
    },
    /// It is taken off.
    Remove,
    /// Nothing is asked of the device.
    Nothing,
}

/// What is to be done to a device about a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Put this version on it.
    Install(u32),
    /// Take it off.
    Remove,
}

/// A command that was handed to the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Issued {
    /// Its id, which grows with time.
    pub command: CommandId,
    /// What it asks.
    pub action: Action,
    /// When it was handed over first.
    pub at: Time,
}

/// What a device answers to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// Done.
    Acknowledged,
    /// Failed.
    Error,
    /// Not now; the device will ask again.
    NotNow,
}

/// What one device reported about one profile, and what it was last told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProfileReport {
    /// The profile.
    pub profile: ProfileId,
    /// The version the device says is on it.
    pub installed: Option<u32>,
    /// The last answer: to which action, which status, when.
    pub answer: Option<Answer>,
    /// Commands without an answer, oldest first; the last one is in force.
    pub issued: Vec<Issued>,
    /// The newest command that was answered.
    pub answered: Option<CommandId>,
    /// Failures in a row.
    pub failures: u32,
    /// Not to be asked again before this time.
    pub retry_at: Option<Time>,
}

/// A device's answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What it answers to.
    pub action: Action,
    /// What it says.
    pub status: ResultStatus,
    /// In its own words.
    pub detail: Option<String>,
    /// When.
    pub at: Time,
}

/// The status of a profile on a device. It comes from what the device reported, never from what was sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileStatus {
    /// To be installed; the device has not answered yet.
    PendingInstall,
    /// The device has the command and said that it will take it up later.
    Installing,
    /// The device reported the desired version.
    Installed,
    /// The device reported a failure; it is tried again with growing pauses.
    Failed,
    /// To be removed; the device has not answered yet.
    PendingRemoval,
    /// The device reported the removal.
    Removed,
    /// Assigned, but not meant for this device.
    NotApplicable,
}

impl ProfileStatus {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ProfileStatus::PendingInstall => "pending_install",
            ProfileStatus::Installing => "installing",
            ProfileStatus::Installed => "installed",
            ProfileStatus::Failed => "failed",
            ProfileStatus::PendingRemoval => "pending_removal",
            ProfileStatus::Removed => "removed",
            ProfileStatus::NotApplicable => "not_applicable",
        }
    }
}

impl ProfileReport {
    /// Nothing heard yet.
    pub fn new(profile: ProfileId) -> Self {
        Self { profile, installed: None, answer: None, issued: vec![], answered: None, failures: 0, retry_at: None }
    }

    /// Whether something may be on the device: it said so, or it was told to install and has not answered.
    pub fn may_be_installed(&self) -> bool {
        self.installed.is_some() || self.issued.iter().any(|issued| matches!(issued.action, Action::Install(_)))
    }

    /// Whether this version is on the device: it said so, and nothing it has not answered could have changed that.
    pub fn is_installed(&self, version: u32) -> bool {
        self.installed == Some(version) && self.issued.iter().all(|issued| issued.action == Action::Install(version))
    }

    /// Whether this says anything worth keeping.
    pub fn is_empty(&self) -> bool {
        self.installed.is_none() && self.answer.is_none() && self.issued.is_empty()
    }

    /// What the device has to be told at `now` so that `desired` comes true, if anything.
    pub fn action(&self, desired: Desired, held_until: Option<Time>, now: Time) -> Option<Action> {
        let action = match desired {
            Desired::Install { version } => {
                let done = self.is_installed(version);
                (!done && held_until.is_none_or(|until| now >= until)).then_some(Action::Install(version))
            }
            Desired::Remove => self.may_be_installed().then_some(Action::Remove),
            Desired::Nothing => None,
        }?;
        let same_as_failed = self.answer.as_ref().is_some_and(|answer| answer.action == action);
        let waiting = same_as_failed && self.retry_at.is_some_and(|at| now < at);
        (!waiting).then_some(action)
    }

    /// The command under which `action` was handed over last and may be handed over again; none if it needs a new one,
    /// because the device has answered, or been told something newer.
    pub fn handed_over(&self, action: Action) -> Option<CommandId> {
        let last = self.issued.last()?;
        (last.action == action && Some(last.command) > self.answered).then_some(last.command)
    }

    /// Records that `command` was handed over. Handing it over again changes nothing.
    pub fn issue(&mut self, command: CommandId, action: Action, at: Time) {
        const KEPT: usize = 8;
        if self.issued.iter().any(|issued| issued.command == command) {
            return;
        }
        self.issued.push(Issued { command, action, at });
        if self.issued.len() > KEPT {
            // One that was repeated first: what was never answered may still have been done.
            let repeated = self.issued.windows(2).position(|pair| pair[0].action == pair[1].action);
            self.issued.remove(repeated.unwrap_or(0));
        }
    }

    /// Takes in the answer to a command and says whether it was one we wait for.
    ///
    /// Commands are carried out in the order they were issued, so an acknowledgement also settles all older commands,
    /// whose answers are late and decide nothing. A failure does not: the device is as the older ones left it. Unknown
    /// or repeated answers change nothing.
    pub fn answer(&mut self, command: CommandId, status: ResultStatus, detail: Option<String>, at: Time) -> bool {
        let Some(index) = self.issued.iter().position(|issued| issued.command == command) else { return false };
        let action = self.issued[index].action;
        if status == ResultStatus::NotNow {
            self.answer = Some(Answer { action, status, detail, at });
            self.retry_at = Some(at.plus(NOT_NOW_PAUSE));
            return true;
        }
        self.answered = self.answered.max(Some(command));
        match status {
            ResultStatus::Acknowledged => {
                self.issued.drain(..=index);
                self.installed = match action {
                    Action::Install(version) => Some(version),
                    Action::Remove => None,
                };
                self.failures = 0;
                self.retry_at = None;
            }
            ResultStatus::Error | ResultStatus::NotNow => {
                self.issued.remove(index);
                self.failures = self.failures.saturating_add(1);
                self.retry_at = Some(at.plus(retry_pause(self.failures)));
            }
        }
        self.answer = Some(Answer { action, status, detail, at });
        true
    }

    /// The status that follows from what is desired and what was reported.
    pub fn status(&self, desired: Desired) -> Option<ProfileStatus> {
        let answered =
            |action| self.answer.as_ref().filter(|answer| answer.action == action).map(|answer| answer.status);
        match desired {
            Desired::Install { version } => Some(match answered(Action::Install(version)) {
                _ if self.is_installed(version) => ProfileStatus::Installed,
                Some(ResultStatus::Error) => ProfileStatus::Failed,
                Some(ResultStatus::NotNow) => ProfileStatus::Installing,
                _ => ProfileStatus::PendingInstall,
            }),
            Desired::Remove => Some(match answered(Action::Remove) {
                Some(ResultStatus::Error) => ProfileStatus::Failed,
                Some(ResultStatus::Acknowledged) if !self.may_be_installed() => ProfileStatus::Removed,
                _ => ProfileStatus::PendingRemoval,
            }),
            Desired::Nothing => match (&self.installed, answered(Action::Remove)) {
                (Some(_), _) => Some(ProfileStatus::Installed),
                (None, Some(ResultStatus::Acknowledged)) => Some(ProfileStatus::Removed),
                _ => None,
            },
        }
    }
}

/// How long a device that said "not now" is left alone.
const NOT_NOW_PAUSE: Span = Span::seconds(60);

/// How long to wait after so many failures in a row: one minute, doubled each time, at most six hours.
fn retry_pause(failures: u32) -> Span {
    let minutes = 1_i64 << failures.saturating_sub(1).min(9);
    Span::seconds((60 * minutes).min(6 * 3600))
}
