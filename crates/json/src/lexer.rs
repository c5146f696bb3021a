//! An incremental lexer.
