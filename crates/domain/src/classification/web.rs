//! Rows of the family web content: pages, links and messages.
//!
//! A page that was opened is something the user did, so those rows decay; a message that was only received is not.

use super::{BOTH, Classification, Response, Technique, technique as t};
use crate::level::{
    Family::WebContent,
    RiskLevel,
    RiskLevel::{High, Low, Medium},
};

const fn received(
    id: &'static str,
    name: &'static str,
    level: RiskLevel,
    technique: Option<Technique>,
) -> Classification {
    Classification::new(id, name, WebContent, BOTH, level, technique)
}

const fn opened(
    id: &'static str,
    name: &'static str,
    level: RiskLevel,
    technique: Option<Technique>,
) -> Classification {
    received(id, name, level, technique).behaviour()
}

pub(super) static ROWS: &[Classification] = &[
    opened("blocked_url_access", "Blocked URL Access", Medium, None)
        .response(Response::BlockDomain)
        .user("You opened pages your organisation blocks. Please do not try again; ask if you need one for your work.")
        .admin("Talk to the user if it goes on; allow the page if their work needs it."),
    received("ceo_fraud", "CEO Fraud", Medium, t::PHISHING)
        .user("A message pretends to come from one of your managers. Do not answer it; ask that person by another way.")
        .admin("Warn the person imitated and the people likely to be asked for payments or gift cards."),
    received("malicious_email", "Malicious Email", Low, t::PHISHING)
        .user("You received a dangerous email. Do not open its links or attachments; delete it.")
        .admin("Remove the email from all mailboxes and block its sender and links."),
    opened("malicious_content", "Malicious Content", High, t::DRIVE_BY)
        .response(Response::BlockDomain)
        .user("You opened a page that attacks phones. Close it, delete what it downloaded and install all updates.")
        .admin("Check that the page was blocked; if it was not, check the device's integrity and block the domain for everyone."),
    opened("offensive_content", "Offensive Content", Low, None)
        .user("You opened a page with content your organisation does not want on work phones. Close it.")
        .admin("Apply your usage rules; a single visit can be an accident."),
    opened("phishing_content", "Phishing Content", High, t::PHISHING)
        .response(Response::BlockDomain)
        .user("You opened a page made to steal passwords. If you typed anything in, change that password now from another device.")
        .admin("Check that the page was blocked; if it was not, reset the user's password and sessions, and block the domain."),
    received("smishing", "Smishing", Low, t::PHISHING)
        .user("You received a fraudulent text message. Do not tap its link or answer; delete it.")
        .admin("Warn others if several people got it; block the link's domain."),
    opened("suspicious_content", "Suspicious Content", Low, t::PHISHING)
        .user("You opened a page that looks suspicious. Close it, and do not type in any password.")
        .admin("Look at the page from a safe machine; block or allow its domain."),
    opened("unauthorized_content", "Unauthorized Content", Low, None)
        .response(Response::BlockDomain)
        .user("You opened a page your organisation does not allow. Close it; ask if you need it for your work.")
        .admin("Allow the page if the user's work needs it; otherwise nothing to do."),
];
