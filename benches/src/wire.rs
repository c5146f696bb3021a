//! Just enough HTTP/1.1 for our own client and model server: both sides and all proxies in between are known.

use std::ops::Range;

/// Where one message lies in the bytes that have come in.
pub(crate) struct Message {
    /// The head, with its empty line.
    pub(crate) head: Range<usize>,
    /// How the body is framed.
    pub(crate) body: Body,
}

/// How a body is framed.
pub(crate) enum Body {
    /// By its length.
    Length(usize),
    /// In chunks.
    Chunked,
}

/// Finds a message's head; `None` while it is not complete.
pub(crate) fn head(bytes: &[u8]) -> Option<Message> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = &bytes[..end];
    let body = match field(head, b"content-length") {
        Some(value) => Body::Length(std::str::from_utf8(value).ok()?.trim().parse().ok()?),
        None if field(head, b"transfer-encoding").is_some() => Body::Chunked,
        None => Body::Length(0),
    };
    Some(Message { head: 0..end, body })
}

/// The status of an answer's head.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

/// Walks over the chunks of a body as its bytes come in, and counts them.
#[derive(Default)]
pub(crate) struct Chunks {
    pending: Vec<u8>,
    /// Bytes of content so far.
    pub(crate) content: usize,
    /// Events so far: how often the content held an empty line.
    pub(crate) events: usize,
    newline_before: bool,
    /// Whether the last chunk has come.
    pub(crate) ended: bool,
}

impl Chunks {
    /// Takes the next bytes off the socket.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(line) = find(&self.pending[at..], b"\r\n") {
            let text = std::str::from_utf8(&self.pending[at..at + line]).unwrap_or_default();
            let Ok(size) = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16) else { break };
            let body = at + line + 2;
            if self.pending.len() < body + size + 2 {
                break;
            }
            let content = &self.pending[body..body + size];
            for &byte in content {
                let newline = byte == b'\n';
                self.events += usize::from(newline && self.newline_before);
                self.newline_before = newline && !self.newline_before;
            }
            self.content += size;
            at = body + size + 2;
            if size == 0 {
                self.ended = true;
                break;
            }
        }
        self.pending.drain(..at);
    }
}

fn field<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&byte| byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        line[..colon].eq_ignore_ascii_case(name).then(|| line[colon + 1..].trim_ascii())
    })
}

/// Where `needle` first occurs.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_length_and_status() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
        let message = head(text).expect("it is complete");
        assert!(matches!(message.body, Body::Length(12)));
        assert_eq!((message.head.end, status(text)), (text.len(), Some(200)));
        assert!(head(&text[..text.len() - 1]).is_none());
    }

    #[test]
    fn counts_events_however_they_are_cut() {
        let text = b"9\r\ndata: a\n\n\r\n12\r\ndata: b\n\ndata: c\n\n\r\n0\r\n\r\n";
        for size in 1..text.len() {
            let mut chunks = Chunks::default();
            text.chunks(size).for_each(|piece| chunks.push(piece));
            assert_eq!((chunks.events, chunks.content, chunks.ended), (3, 27, true), "in pieces of {size}");
        }
    }
}
