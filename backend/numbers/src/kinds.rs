//! Which events count, and as what.

/// Types that tell who somebody is. They are stored and ordered like events, and count as nothing.
pub const IDENTITY_TYPES: [&str; 3] = ["alias", "group", "identify"];

/// Types that count as page views: a page of a site, a screen of an app.
pub const PAGEVIEW_TYPES: [&str; 2] = ["pageview", "screen"];

/// Types that begin with this are Headwater's own.
pub const INTERNAL_PREFIX: char = '$';

/// Whether an event of this type is one of `events`, and so makes users and sessions.
#[must_use]
pub fn is_counted(event_type: &str) -> bool {
    !event_type.starts_with(INTERNAL_PREFIX) && !IDENTITY_TYPES.contains(&event_type)
}

/// Whether an event of this type is one of `pageviews`.
#[must_use]
pub fn is_pageview(event_type: &str) -> bool {
    PAGEVIEW_TYPES.contains(&event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_but_identity_and_internal_types() {
        for counted in ["pageview", "screen", "click", "custom", "purchase", "Identify", ""] {
            assert!(is_counted(counted), "{counted}");
        }
        for uncounted in ["identify", "alias", "group", "$ledger", "$", "$pageview"] {
            assert!(!is_counted(uncounted), "{uncounted}");
        }
    }

    #[test]
    fn pages_and_screens_are_page_views() {
        assert!(is_pageview("pageview") && is_pageview("screen"));
        assert!(!is_pageview("click") && !is_pageview("page"));
    }

    #[test]
    fn every_page_view_is_an_event() {
        assert!(PAGEVIEW_TYPES.into_iter().all(is_counted));
    }
}
