//! The quickstart's identity provider and model server; tests use them too.
