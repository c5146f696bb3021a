//! The role catalogue, its compilation to Cedar, and decisions that are total and explain themselves.
