//! The directory: organization groups, users, user groups, and how devices come to them.
//!
//! Functions here take the writer at work and the caller's reach: what lies outside of it is as good as not there. The
//! few that may take more than one transaction take the engine instead. Whoever calls them has checked the rights.

mod checks;
pub mod enrollment;
pub mod organization_groups;
pub mod user_groups;
pub mod users;

use allclear_domain::ids::OrganizationGroupId;

use crate::{Error, work::Work};

pub(crate) use checks::identifier;

/// Nothing of this kind, unless the group it lives in lies within reach.
pub(crate) fn within(
    work: &Work<'_, '_>,
    reach: OrganizationGroupId,
    group: OrganizationGroupId,
    what: &'static str,
) -> Result<(), Error> {
    if work.rules().organization_groups.is_within(group, reach) { Ok(()) } else { Err(Error::NotFound(what)) }
}

/// Where something is to live: a known organization group within reach, and never Global.
pub(crate) fn place(
    work: &Work<'_, '_>,
    reach: OrganizationGroupId,
    group: OrganizationGroupId,
    what: &str,
) -> Result<(), Error> {
    use crate::{Problem, rules::organization_group_problem};
    let out_of_reach = || Problem::new("/organization_group_id", "is no organization group");
    let problem = organization_group_problem(work.rules(), group, what)
        .or_else(|| (!work.rules().organization_groups.is_within(group, reach)).then(out_of_reach));
    Error::check(problem.into_iter().collect())
}
