//! The names and types of the fields of a policy of the Android Management API, for custom settings.

/// The types of a policy's fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Field {
    /// True or false.
    Bool,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// A list.
    Array,
    /// An object.
    Object,
    /// Set by the server or by Google.
    ReadOnly,
}

impl Field {
    /// What is wrong with a value of such a field.
    pub(super) fn check(self, value: &serde_json::Value) -> Option<&'static str> {
        let (fits, wrong) = match self {
            Field::Bool => (value.is_boolean(), "must be true or false"),
            Field::Integer => (value.is_i64() || value.is_u64(), "must be a whole number"),
            Field::Text => (value.is_string(), "must be text"),
            Field::Array => (value.is_array(), "must be a list"),
            Field::Object => (value.is_object(), "must be an object"),
            Field::ReadOnly => (false, "is set by the server"),
        };
        (!fits).then_some(wrong)
    }
}

/// The type of a policy's top-level field; `None` when there is no such field.
pub(super) fn field(name: &str) -> Option<Field> {
    FIELDS.iter().find(|(_, names)| names.contains(&name)).map(|(field, _)| *field)
}

pub(super) const FIELDS: &[(Field, &[&str])] = &[
    (
        Field::Bool,
        &[
            "addUserDisabled",
            "adjustVolumeDisabled",
            "autoTimeRequired",
            "blockApplicationsEnabled",
            "bluetoothConfigDisabled",
            "bluetoothContactSharingDisabled",
            "bluetoothDisabled",
            "cameraDisabled",
            "cellBroadcastsConfigDisabled",
            "createWindowsDisabled",
            "credentialsConfigDisabled",
            "dataRoamingDisabled",
            "debuggingFeaturesAllowed",
            "ensureVerifyAppsEnabled",
            "factoryResetDisabled",
            "funDisabled",
            "installAppsDisabled",
            "installUnknownSourcesAllowed",
            "keyguardDisabled",
            "kioskCustomLauncherEnabled",
            "mobileNetworksConfigDisabled",
            "modifyAccountsDisabled",
            "mountPhysicalMediaDisabled",
            "networkEscapeHatchEnabled",
            "networkResetDisabled",
            "outgoingBeamDisabled",
            "outgoingCallsDisabled",
            "privateKeySelectionEnabled",
            "removeUserDisabled",
            "safeBootDisabled",
            "screenCaptureDisabled",
            "setUserIconDisabled",
            "setWallpaperDisabled",
            "shareLocationDisabled",
            "skipFirstUseHintsEnabled",
            "smsDisabled",
            "statusBarDisabled",
            "tetheringConfigDisabled",
            "uninstallAppsDisabled",
            "unmuteMicrophoneDisabled",
            "usbFileTransferDisabled",
            "usbMassStorageEnabled",
            "vpnConfigDisabled",
            "wifiConfigDisabled",
            "wifiConfigsLockdownEnabled",
        ],
    ),
    (Field::Integer, &["minimumApiLevel"]),
    (
        Field::Text,
        &[
            "appAutoUpdatePolicy",
            "appFunctions",
            "assistContentPolicy",
            "autoDateAndTimeZone",
            "autofillPolicy",
            "backupService",
            "cameraAccess",
            "credentialProviderPolicyDefault",
            "defaultPermissionPolicy",
            "encryptionPolicy",
            "enterpriseDisplayNameVisibility",
            "locationMode",
            "maximumTimeToLock",
            "microphoneAccess",
            "playStoreMode",
            "preferentialNetworkService",
            "printingPolicy",
        ],
    ),
    (
        Field::Array,
        &[
            "accountTypesWithManagementDisabled",
            "androidDevicePolicyTracks",
            "applications",
            "choosePrivateKeyRules",
            "complianceRules",
            "defaultApplicationSettings",
            "frpAdminEmails",
            "keyguardDisabledFeatures",
            "oncCertificateProviders",
            "passwordPolicies",
            "permissionGrants",
            "persistentPreferredActivities",
            "policyEnforcementRules",
            "setupActions",
            "stayOnPluggedModes",
            "wipeDataFlags",
        ],
    ),
    (
        Field::Object,
        &[
            "advancedSecurityOverrides",
            "alwaysOnVpnPackage",
            "crossDevicePolicies",
            "crossProfilePolicies",
            "deviceConnectivityManagement",
            "deviceOwnerLockScreenInfo",
            "deviceRadioState",
            "deviceWidePolicies",
            "displaySettings",
            "kioskCustomization",
            "longSupportMessage",
            "openNetworkConfiguration",
            "passwordRequirements",
            "permittedAccessibilityServices",
            "permittedInputMethods",
            "personalUsagePolicies",
            "recommendedGlobalProxy",
            "shortSupportMessage",
            "statusReportingSettings",
            "systemUpdate",
            "unifiedUpdatePolicy",
            "usageLog",
            "workAccountSetupConfig",
        ],
    ),
    (Field::ReadOnly, &["name", "version"]),
];
