//! What an SMSC's statuses mean.

use rusmpp::CommandStatus::{self, *};

/// Whether a message that is answered by this status would be answered so for ever. What is wrong with the session or the
/// account may be put right before the message expires, and an SMSC's own statuses may mean anything.
pub(super) fn is_final(status: CommandStatus) -> bool {
    !matches!(
        status,
        // The session or the SMSC.
        EsmeRinvbndsts | EsmeRsyserr | EsmeRmsgqful | EsmeRthrottled | EsmeRxTAppn | EsmeRunknownerr
        // The account and what it is set up for.
        | EsmeRbindfail | EsmeRinvpaswd | EsmeRinvsysid | EsmeRinvsrcadr | EsmeRinvsrcton | EsmeRinvsrcnpi
        | EsmeRinvsertyp | EsmeRinvsystyp | EsmeRsertypunauth | EsmeRsertypunavail | EsmeRsertypdenied
        | Other(_)
    )
}

/// A status for people: its number and, where the standard has one, its meaning.
pub(super) fn words(status: CommandStatus) -> String {
    let meaning = match status {
        EsmeRok => "no error",
        EsmeRinvmsglen => "the length of the message is invalid",
        EsmeRinvcmdlen | EsmeRinvcmdid => "the request is not understood",
        EsmeRinvbndsts => "the session is not open for this",
        EsmeRalybnd => "the session is open already",
        EsmeRsyserr => "system error",
        EsmeRinvsrcadr | EsmeRinvsrcton | EsmeRinvsrcnpi => "the sender's address is invalid",
        EsmeRinvdstadr | EsmeRinvdstton | EsmeRinvdstnpi => "the recipient's number is invalid",
        EsmeRbindfail => "signing in failed",
        EsmeRinvpaswd => "the password is invalid",
        EsmeRinvsysid => "the system id is invalid",
        EsmeRmsgqful => "the message queue is full",
        EsmeRinvsertyp | EsmeRsertypunauth | EsmeRsertypunavail | EsmeRsertypdenied => {
            "the service type is not available"
        }
        EsmeRinvsystyp => "the system type is invalid",
        EsmeRsubmitfail => "the message was not taken",
        EsmeRthrottled => "more messages than allowed",
        EsmeRxTAppn => "a temporary error",
        EsmeRxPAppn | EsmeRxRAppn => "a permanent error",
        EsmeRdeliveryfailure => "it could not be delivered",
        EsmeRunknownerr => "an unknown error",
        EsmeRprohibited => "not permitted",
        EsmeRinvdcs => "the alphabet is not supported",
        _ => "an error",
    };
    format!("0x{:08X}: {meaning}", u32::from(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_message_is_final_and_nothing_else() {
        for status in [0x01, 0x0B, 0x45, 0x50, 0x51, 0x65, 0xFE, 0x101, 0x104] {
            assert!(is_final(CommandStatus::from(status)), "{status:#x}");
        }
        for status in [0x04, 0x08, 0x0A, 0x0D, 0x0E, 0x14, 0x15, 0x58, 0x64, 0xFF, 0x400, 0x4FF] {
            assert!(!is_final(CommandStatus::from(status)), "{status:#x}");
        }
        assert_eq!(words(EsmeRinvdstadr), "0x0000000B: the recipient's number is invalid");
        assert_eq!(words(CommandStatus::from(0x423)), "0x00000423: an error");
    }
}
