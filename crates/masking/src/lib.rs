//! Detectors and the streaming masker: text in, masked text out. Sans-I/O.
