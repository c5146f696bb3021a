//! A model server in the process, whose answers hold made-up personal data.
