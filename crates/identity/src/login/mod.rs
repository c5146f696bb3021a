//! Signing in from a command line.
