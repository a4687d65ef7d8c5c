//! Enrollment tokens of Google's, made for ours: what an Android phone is shown to put itself under management.

use allclear_domain::{
    device::ManagementType,
    ids::{Tenant, TokenId},
    time::Time,
};
use allclear_engine::{Engine, Error};
use allclear_store::android_devices::{self as stored, AndroidToken};

use super::{
    Failure,
    client::{self, Client, EnrollmentToken, NewEnrollmentToken, PersonalUsage},
    policy::Policy,
};

/// Makes an enrollment token of Google's for one of ours, as good as that and as long. A device that comes with it is
/// managed whole, as a dedicated one, or by a work profile.
pub async fn make_token(
    engine: &Engine,
    tenant: Tenant,
    client: &Client,
    token: TokenId,
    expires_at: Time,
    management: ManagementType,
) -> Result<EnrollmentToken, Failure> {
    let base = Policy::base();
    let (id, content) = (base.id(), base.to_json());
    put_policy(engine, tenant, &id, client.patch_policy(&id, &content)).await?;
    let personal_usage = match management {
        ManagementType::WorkProfile => PersonalUsage::Allowed,
        ManagementType::Dedicated => PersonalUsage::DisallowedUserless,
        _ => PersonalUsage::Disallowed,
    };
    let data = token.to_string();
    let new = NewEnrollmentToken {
        policy_id: &id,
        lasts: expires_at.since(engine.source().now()),
        additional_data: &data,
        one_time: true,
        personal_usage,
    };
    let made = client.create_enrollment_token(&new).await?;
    let one = AndroidToken { name: made.name.clone(), token, policy: id, management, expires_at };
    engine.db().write(move |tx| Ok::<_, Error>(stored::insert_token(tx, tenant, &one)?)).await?;
    Ok(made)
}

/// Makes sure that Google has a policy: by `patch`, unless it is known to have it.
pub(super) async fn put_policy(
    engine: &Engine,
    tenant: Tenant,
    id: &str,
    patch: impl Future<Output = Result<i64, client::Error>>,
) -> Result<(), Failure> {
    let (policy, now) = (id.to_owned(), engine.source().now());
    let has = engine.db().write(move |tx| Ok::<_, Error>(stored::use_policy(tx, tenant, &policy, now)?)).await?;
    if !has {
        let (policy, version) = (id.to_owned(), patch.await?);
        let put = engine.db().write(move |tx| Ok::<_, Error>(stored::put_policy(tx, tenant, &policy, version, now)?));
        put.await?;
    }
    Ok(())
}
