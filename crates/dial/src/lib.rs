//! The one way out for side requests: no redirects, bounded, link-local refused.
