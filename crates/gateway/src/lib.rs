//! The journey of a request, one module per step, and the threading of calls into sessions.
