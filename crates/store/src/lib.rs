//! State behind traits by noun, and the log on disk: segments, group commit, recovery.
