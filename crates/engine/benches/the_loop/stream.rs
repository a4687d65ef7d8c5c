//! An endless stream of detections: most devices are well, any may be next.

use allclear_domain::{
    detection::{Detection, DeviceRef, SourceEvent, ThreatStatus},
    ids::DeviceId,
};
use allclear_engine::{
    ingest::{Fact, UnknownDevice},
    source::{Source, SystemSource},
};

use crate::fleet::Fleet;

/// Threats of the levels that are tagged, in about the shares in which they occur.
const KINDS: [&str; 10] = [
    "trojan",
    "spyware",
    "no_passcode",
    "usb_debugging",
    "app_out_of_compliance",
    "adware",
    "riskware",
    "developer_mode",
    "unknown_sources",
    "play_protect_disabled",
];

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `below`.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }
}

/// Threats that are opened and, later, resolved.
pub struct Stream {
    numbers: Numbers,
    devices: std::sync::Arc<Vec<DeviceId>>,
    open: Vec<(DeviceId, String, &'static str)>,
    count: u64,
}

impl Stream {
    pub fn new(fleet: &Fleet) -> Self {
        Self { numbers: Numbers::new(1), devices: fleet.devices.clone(), open: Vec::new(), count: 0 }
    }

    /// The next detection: of five, three open a threat and two resolve one.
    pub fn next(&mut self) -> Fact {
        self.count += 1;
        let resolves = self.open.len() > 1000 && self.numbers.below(5) < 2;
        let (device, threat_id, kind, status) = if resolves {
            let place = self.numbers.below(self.open.len());
            let (device, threat, kind) = self.open.swap_remove(place);
            (device, threat, kind, ThreatStatus::Resolved)
        } else {
            let device = self.devices[self.numbers.below(self.devices.len())];
            let kind = KINDS[self.numbers.below(KINDS.len())];
            let threat = format!("d1f0b7c2-5a0e-4f57-9d7c-{:012x}", self.count);
            self.open.push((device, threat.clone(), kind));
            (device, threat, kind, ThreatStatus::Open)
        };
        let details = serde_json::json!({
            "package_name": "com.example.flashlight.pro",
            "sha256": format!("{:064x}", self.count),
            "application_name": "Flashlight Pro",
            "version": "4.2.1",
        });
        let serde_json::Value::Object(details) = details else { panic!("an object") };
        let detection = Detection {
            event_id: format!("3b1f8a54-77de-4a4e-b1f7-{:012x}", self.count),
            source: "lookout".into(),
            device: DeviceRef::Id(device),
            threat_id,
            classification: kind.into(),
            status,
            detected_at: SystemSource.now(),
            severity: None,
            details,
        };
        Fact::Source { event: SourceEvent::Detection(detection), unknown_device: UnknownDevice::Reject }
    }
}
