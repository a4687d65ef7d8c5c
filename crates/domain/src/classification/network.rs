//! Rows of the family network: what happens on the networks the phone uses.

use super::{ANDROID, BOTH, Classification, Response, Technique, technique as t};
use crate::level::{
    Family::Network,
    RiskLevel,
    RiskLevel::{Advisory, High, Low, Medium},
};

const fn network(
    id: &'static str,
    name: &'static str,
    level: RiskLevel,
    technique: Option<Technique>,
) -> Classification {
    Classification::new(id, name, Network, BOTH, level, technique)
}

pub(super) static ROWS: &[Classification] = &[
    network("arp_scan", "ARP Scan", Advisory, t::NETWORK_SCANNING)
        .user("Someone is looking for devices on your Wi-Fi. Use another network if you do not trust this one.")
        .admin("Find the scanning device if the network is yours; otherwise nothing to do."),
    network("captive_portal", "Captive Portal", Advisory, None)
        .user("This Wi-Fi shows a sign-in page. Never enter your work password there.")
        .admin("Nothing to do; it explains why other protection may be late on this network."),
    network("credit_card_leak", "Credit Card Leak", Medium, t::EXFILTRATION_C2)
        .user("An app or site sent card details without protection. Stop using it and watch your statements.")
        .admin("Deny the app or site; have the card replaced if it is the organisation's."),
    network("danger_zone_connected", "Danger Zone Connected", Medium, t::ADVERSARY_IN_THE_MIDDLE)
        .user("You are on a Wi-Fi where attacks have been seen. Disconnect and use mobile data.")
        .admin("Advise people in the area to avoid the network."),
    network("email_leak", "Email Address Leak", Low, t::EXFILTRATION_C2)
        .user("An app or site sent your email address without protection. Expect spam, and do not click links in it.")
        .admin("Tell the app's maker; deny it if it handles work data."),
    network("fake_certificate", "Fake Certificate", High, t::ADVERSARY_IN_THE_MIDDLE)
        .user("A server on this network is not who it claims to be. Disconnect, use mobile data and change passwords you entered.")
        .admin("Treat traffic on this network as read: change credentials used there and report the network."),
    network("internal_network_access", "Internal Network Access", Low, t::NETWORK_SCANNING)
        .user("An app is reaching into your organisation's internal network. Uninstall it unless your work needs it.")
        .admin("Check whether the app has a reason; if not, deny it and look at what it reached."),
    network("ip_scan", "IP Scan", Advisory, t::NETWORK_SCANNING)
        .user("Someone is looking for devices on your Wi-Fi. Use another network if you do not trust this one.")
        .admin("Find the scanning device if the network is yours; otherwise nothing to do."),
    network("malicious_connection", "Malicious Connection", High, t::APPLICATION_PROTOCOL)
        .response(Response::BlockDomain)
        .user("Your phone talks to a server known for attacks. Restart it, and uninstall apps you added lately.")
        .admin("Find the app behind the connection; block the server for everyone and look for other devices that reached it."),
    network("man_in_the_middle", "Man in the Middle", High, t::ADVERSARY_IN_THE_MIDDLE)
        .user("Someone on this network can read your traffic. Disconnect now, use mobile data and change passwords you entered.")
        .admin("No grace here: have the user leave the network, change credentials used there and report the network."),
    network("open_wifi", "Unsecured Wi-Fi", Low, t::ADVERSARY_IN_THE_MIDDLE)
        .user("This Wi-Fi is not protected. Use mobile data or a network with a password.")
        .admin("Offer a VPN or per-app VPN; trust the network's name if it is yours."),
    network("password_leak", "Password Leak", Medium, t::EXFILTRATION_C2)
        .user("An app or site sent a password without protection. Change that password, and stop using the app or site.")
        .admin("Have the password changed wherever it was used; deny the app or site."),
    network("port_scan", "Port Scan", Advisory, t::NETWORK_SCANNING)
        .user("Someone is probing your phone on this Wi-Fi. Use another network if you do not trust this one.")
        .admin("Find the scanning device if the network is yours; otherwise nothing to do."),
    network("rogue_access_point", "Rogue Access Point", High, t::ADVERSARY_IN_THE_MIDDLE)
        .user("This Wi-Fi imitates a network you know. Disconnect now and forget it in Settings > Wi-Fi.")
        .admin("Look for the imitation if it is near your premises; change credentials entered on it."),
    Classification::new("rogue_cell_tower", "Rogue Cell Tower", Network, ANDROID, High, t::ADVERSARY_IN_THE_MIDDLE)
        .user("Your phone may be connected to a fake mobile mast. Use airplane mode with a trusted Wi-Fi until you are elsewhere.")
        .admin("Forbid 2G by profile; ask where it happened and report it to the carrier."),
    network("ssl_strip", "SSL Strip", High, t::ADVERSARY_IN_THE_MIDDLE)
        .user("Someone on this network takes the protection off your traffic. Disconnect, use mobile data and change passwords you entered.")
        .admin("Treat traffic on this network as read: change credentials used there and report the network."),
];
