//! Points in time as the whole product uses them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 UTC in text formats (JSON) and as the bare number in binary ones (the database).
/// The core never asks what time it is; callers hand it in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Time = Time(0);

    /// The time `micros` microseconds after the epoch, held within years -9998 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond()))
    }

    /// Microseconds since the epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This time plus a span; stays within the representable range.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_add(span.0))
    }

    /// This time minus a span; stays within the representable range.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is; negative when it is before.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The same point for calendar arithmetic.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(value: jiff::Timestamp) -> Self {
        Self(value.as_microsecond())
    }
}

impl std::str::FromStr for Time {
    type Err = jiff::Error;

    /// Reads RFC 3339 with any offset.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(Self::from)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(|_| D::Error::custom("not an RFC 3339 time such as 2026-01-31T08:30:00Z"))
        } else {
            i64::deserialize(deserializer).map(Self::from_micros)
        }
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .into()
    }
}

impl utoipa::ToSchema for Time {}

/// A length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span(i64);

impl Span {
    /// So many microseconds.
    pub const fn micros(n: i64) -> Self {
        Self(n)
    }

    /// So many seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }

    /// So many days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self::seconds(n.saturating_mul(86_400))
    }

    /// Whole seconds, rounded towards zero.
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1_000_000
    }

    /// Microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}
