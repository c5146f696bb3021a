//! One folder per protocol: what a request would do, where its words are, how its stream is framed, how it says no. Sans-I/O.
