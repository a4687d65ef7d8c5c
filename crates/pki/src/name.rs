//! Distinguished names: written in UTF-8, read in whatever a string may be.

use der::{
    Any, Tag, Tagged,
    asn1::{ObjectIdentifier, SetOfVec},
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    name::{Name, RelativeDistinguishedName},
};

use crate::Error;

/// A name of these parts, in order.
pub(crate) fn name(parts: &[(ObjectIdentifier, &str)]) -> Result<Name, Error> {
    let part = |(oid, text): &(ObjectIdentifier, &str)| {
        let value = Any::new(Tag::Utf8String, text.as_bytes())?;
        let part = SetOfVec::try_from([AttributeTypeAndValue { oid: *oid, value }])?;
        Ok::<_, der::Error>(RelativeDistinguishedName(part))
    };
    let parts: Result<Vec<_>, _> = parts.iter().map(part).collect();
    Ok(x509_cert::name::RdnSequence(parts.map_err(crate::encoding)?))
}

/// The first value of an attribute.
pub(crate) fn attribute(name: &Name, wanted: ObjectIdentifier) -> Option<String> {
    let parts = name.0.iter().flat_map(|part| part.0.iter());
    parts.filter(|part| part.oid == wanted).find_map(|part| text(&part.value))
}

/// What a string says.
pub(crate) fn text(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        Tag::BmpString => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            bytes.len().is_multiple_of(2).then(|| String::from_utf16(&units).ok())?
        }
        _ => None,
    }
}
