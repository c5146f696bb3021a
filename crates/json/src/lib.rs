//! Strict JSON: bounded, duplicate keys refused at every depth, exact numbers, canonical form.
