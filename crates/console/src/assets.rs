use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

use crate::headers::{self, Answer};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

/// A file that pages refer to.
pub(crate) struct Asset {
    /// Where it is: a name that changes with the content.
    pub(crate) path: String,
    media_type: &'static str,
    content: &'static str,
}

/// The style of every page.
pub(crate) static STYLE_SHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", STYLE));
/// The one script.
pub(crate) static LIVE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", "text/javascript; charset=utf-8", SCRIPT));
/// What browsers show in a tab.
pub(crate) static MARK: LazyLock<Asset> = LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", ICON));

/// Where all of them lie.
pub(crate) const FOLDER: &str = "/assets/";

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash: String =
            digest(&SHA256, content.as_bytes()).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("{FOLDER}{name}.{hash}.{extension}"), media_type, content }
    }
}

/// The file at this path.
pub(crate) fn find(path: &str) -> Option<Answer> {
    let all = [&*STYLE_SHEET, &*LIVE, &*MARK];
    all.into_iter().find(|asset| asset.path == path).map(|asset| headers::file(asset.media_type, asset.content))
}
