//! The admin API's contract: what its endpoints take and give.
