//! Which pages may read the answers: those of a site's origins, exactly. No cookies are asked or set, so no
//! credentials are allowed.

use std::borrow::Cow;

use crate::{Refusal, RefusalKind, Reply, Sites};

/// Adds what lets a page at `origin` read the reply. The site is not asked: a page of one site may read that
/// another site refused it.
pub fn allow(reply: &mut Reply, sites: &Sites, origin: Option<&str>) {
    reply.headers.push(("vary", Cow::Borrowed("Origin")));
    let Some(origin) = origin.filter(|origin| sites.allows_origin(origin)) else { return };
    reply.headers.push(("access-control-allow-origin", Cow::Owned(origin.to_owned())));
    reply.headers.push(("access-control-expose-headers", Cow::Borrowed("hw-ack, hw-time, retry-after")));
}

/// Answers `OPTIONS`. Our SDKs never cause one; those of others send JSON with its content type.
#[must_use]
pub fn preflight(sites: &Sites, origin: Option<&str>) -> Reply {
    if !origin.is_some_and(|origin| sites.allows_origin(origin)) {
        return Refusal::new(RefusalKind::Forbidden, "Origin: not an origin of any site").reply();
    }
    let mut reply = Reply::empty(204);
    allow(&mut reply, sites, origin);
    reply.headers.extend([
        ("access-control-allow-methods", Cow::Borrowed("POST")),
        ("access-control-allow-headers", Cow::Borrowed("authorization, content-encoding, content-type")),
        // Two hours: what Chromium takes at most.
        ("access-control-max-age", Cow::Borrowed("7200")),
    ]);
    reply
}
