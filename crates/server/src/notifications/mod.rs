//! Telling people of approvals: the channels of the configuration, the record of what was told, and Slack's buttons.

mod channels;
mod chronicle;
mod hook;
mod office;

pub(crate) use channels::channels;
use chronicle::LiveChronicle;
pub(crate) use hook::SlackHook;
pub(crate) use office::office;
