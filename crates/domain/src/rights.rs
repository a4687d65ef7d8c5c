//! Rights, and the roles that hold them by default.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A thing somebody may do. Decides both what the API does and what the console shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// See devices, users, threats, groups, profiles, tags and Protections.
    View,
    /// See the journal: who changed what.
    ViewAudit,
    /// Notify users and devices about incidents.
    Notify,
    /// Create, change and delete users and user groups.
    ManageUsers,
    /// Create enrollment tokens.
    EnrollDevices,
    /// Change, move, unenroll and delete devices.
    ManageDevices,
    /// Have devices locked, restarted and asked, their apps removed and settings changed.
    CommandDevices,
    /// Have devices erased, their passcodes cleared, lost mode begun and ended.
    WipeDevices,
    /// Give devices commands in the platform's own words.
    SendRawCommands,
    /// Create tags and set them on devices.
    ManageTags,
    /// Resolve and ignore threats.
    ManageThreats,
    /// Hand in detections.
    IngestDetections,
    /// Change the Protections table.
    EditProtections,
    /// Create, change and delete smart groups.
    ManageSmartGroups,
    /// Create, change, publish and retire profiles.
    ManageProfiles,
    /// Change the tree of organization groups.
    ManageOrganizationGroups,
    /// Change settings.
    ManageSettings,
    /// Connect threat feeds and other systems.
    ManageIntegrations,
    /// Create and change roles and administrators.
    ManageRoles,
    /// Create and revoke API tokens.
    ManageApiTokens,
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 20] = [
        Right::View,
        Right::ViewAudit,
        Right::Notify,
        Right::ManageUsers,
        Right::EnrollDevices,
        Right::ManageDevices,
        Right::CommandDevices,
        Right::WipeDevices,
        Right::SendRawCommands,
        Right::ManageTags,
        Right::ManageThreats,
        Right::IngestDetections,
        Right::EditProtections,
        Right::ManageSmartGroups,
        Right::ManageProfiles,
        Right::ManageOrganizationGroups,
        Right::ManageSettings,
        Right::ManageIntegrations,
        Right::ManageRoles,
        Right::ManageApiTokens,
    ];
}

/// The roles every tenant starts with; they cannot be changed, only copied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuiltInRole {
    /// Everything.
    Administrator,
    /// Everything about devices and their response; not roles, tokens or settings.
    #[serde(rename = "administrator_level_2")]
    AdministratorLevel2,
    /// Threats, Protections, groups, profiles and commands that do no harm.
    SecurityManager,
    /// Services, settings, integrations and administrators.
    ServiceAdministrator,
    /// Looks, enrolls, locks and restarts devices, sets tags.
    HelpDesk,
    /// Looks.
    ReadOnly,
}

impl BuiltInRole {
    /// All of them.
    pub const ALL: [BuiltInRole; 6] = [
        BuiltInRole::Administrator,
        BuiltInRole::AdministratorLevel2,
        BuiltInRole::SecurityManager,
        BuiltInRole::ServiceAdministrator,
        BuiltInRole::HelpDesk,
        BuiltInRole::ReadOnly,
    ];

    /// The name in the API and on the command line, for example `security_manager`.
    pub fn as_str(self) -> &'static str {
        match self {
            BuiltInRole::Administrator => "administrator",
            BuiltInRole::AdministratorLevel2 => "administrator_level_2",
            BuiltInRole::SecurityManager => "security_manager",
            BuiltInRole::ServiceAdministrator => "service_administrator",
            BuiltInRole::HelpDesk => "help_desk",
            BuiltInRole::ReadOnly => "read_only",
        }
    }

    /// The name people read.
    pub fn display(self) -> &'static str {
        match self {
            BuiltInRole::Administrator => "Administrator",
            BuiltInRole::AdministratorLevel2 => "Administrator Level 2",
            BuiltInRole::SecurityManager => "Security Manager",
            BuiltInRole::ServiceAdministrator => "Service Administrator",
            BuiltInRole::HelpDesk => "Help Desk",
            BuiltInRole::ReadOnly => "Read-Only",
        }
    }

    /// What it may do. *Notify* is with the first four only.
    pub fn rights(self) -> BTreeSet<Right> {
        use Right::*;
        let rights: &[Right] = match self {
            BuiltInRole::Administrator => &Right::ALL,
            BuiltInRole::AdministratorLevel2 => &[
                View,
                ViewAudit,
                Notify,
                ManageUsers,
                EnrollDevices,
                ManageDevices,
                CommandDevices,
                WipeDevices,
                ManageTags,
                ManageThreats,
                IngestDetections,
                ManageSmartGroups,
                ManageProfiles,
                ManageOrganizationGroups,
            ],
            BuiltInRole::SecurityManager => &[
                View,
                ViewAudit,
                Notify,
                CommandDevices,
                ManageTags,
                ManageThreats,
                IngestDetections,
                ManageSmartGroups,
                ManageProfiles,
            ],
            BuiltInRole::ServiceAdministrator => &[
                View,
                ViewAudit,
                Notify,
                ManageUsers,
                EnrollDevices,
                ManageSettings,
                ManageIntegrations,
                ManageRoles,
                ManageApiTokens,
            ],
            BuiltInRole::HelpDesk => &[View, EnrollDevices, CommandDevices, ManageTags],
            BuiltInRole::ReadOnly => &[View],
        };
        rights.iter().copied().collect()
    }
}

impl std::str::FromStr for BuiltInRole {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}
