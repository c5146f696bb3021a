use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head that the kit reads; more is a fault of the test.
const HEAD_LIMIT: usize = 1 << 20;

/// Header fields in the order and spelling in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The values of one field, whatever the case of its name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of one field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn is_chunked(&self) -> bool {
        self.all("transfer-encoding").any(|value| value.to_ascii_lowercase().contains("chunked"))
    }

    fn content_length(&self) -> Result<Option<usize>, MessageError> {
        self.get("content-length")
            .map(|value| value.trim().parse().map_err(|_| MessageError::Malformed("content-length is no number")))
            .transpose()
    }
}

/// Why a message could not be read.
#[derive(Debug)]
pub enum MessageError {
    /// The peer closed before the first byte.
    Closed,
    /// The peer closed in the middle.
    Cut,
    /// It is no HTTP/1.1.
    Malformed(&'static str),
    /// The socket failed.
    Io(io::Error),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "the peer closed before it sent a byte"),
            Self::Cut => write!(f, "the peer closed in the middle of a message"),
            Self::Malformed(why) => write!(f, "malformed: {why}"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for MessageError {}

impl From<io::Error> for MessageError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A message's first line and fields.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) headers: Headers,
}

/// What of a body has been read so far, and how it ended.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) end: Result<(), MessageError>,
}

/// Reads messages off one connection and keeps every raw byte.
pub(crate) struct Reader {
    pending: BytesMut,
    raw: BytesMut,
}

/// How the length of a body is told.
pub(crate) enum Length {
    Exactly(usize),
    Chunked,
    UntilClose,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { pending: BytesMut::new(), raw: BytesMut::new() }
    }

    /// Every byte that was taken since the last call.
    pub(crate) fn take_raw(&mut self) -> Bytes {
        self.raw.split().freeze()
    }

    /// Whether nothing of a further message has come in yet.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    pub(crate) async fn head(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Head, MessageError> {
        loop {
            if let Some(end) = find(&self.pending, b"\r\n\r\n") {
                let text = self.consume(end + 4);
                return parse_head(&text[..end]);
            }
            if self.pending.len() > HEAD_LIMIT {
                return Err(MessageError::Malformed("the head does not end"));
            }
            let closed = if self.pending.is_empty() { MessageError::Closed } else { MessageError::Cut };
            self.more(stream).await.map_err(|error| if matches!(error, MessageError::Cut) { closed } else { error })?;
        }
    }

    /// The length that a request's head announces; a request without one has no body (RFC 9112, section 6.3).
    pub(crate) fn request_length(head: &Head) -> Result<Length, MessageError> {
        if head.headers.is_chunked() {
            return Ok(Length::Chunked);
        }
        Ok(Length::Exactly(head.headers.content_length()?.unwrap_or(0)))
    }

    /// The length that an answer's head announces.
    pub(crate) fn answer_length(head: &Head, status: u16) -> Result<Length, MessageError> {
        if status < 200 || status == 204 || status == 304 {
            return Ok(Length::Exactly(0));
        }
        if head.headers.is_chunked() {
            return Ok(Length::Chunked);
        }
        Ok(head.headers.content_length()?.map_or(Length::UntilClose, Length::Exactly))
    }

    pub(crate) async fn body(&mut self, stream: &mut (impl AsyncRead + Unpin), length: Length) -> Body {
        let mut bytes = BytesMut::new();
        let end = loop {
            match self.piece(stream, &length, bytes.len()).await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        Body { bytes: bytes.freeze(), end }
    }

    /// The next piece of a body of which `taken` bytes were read; `None` at its end.
    pub(crate) async fn piece(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        length: &Length,
        taken: usize,
    ) -> Result<Option<Bytes>, MessageError> {
        match length {
            Length::Exactly(all) if taken >= *all => Ok(None),
            Length::Exactly(all) => {
                if self.pending.is_empty() {
                    self.more(stream).await?;
                }
                Ok(Some(self.consume(self.pending.len().min(all - taken))))
            }
            Length::UntilClose => {
                if self.pending.is_empty() {
                    match self.more(stream).await {
                        Err(MessageError::Cut) => return Ok(None),
                        other => other?,
                    }
                }
                Ok(Some(self.consume(self.pending.len())))
            }
            Length::Chunked => {
                let size = self.line(stream).await?;
                let digits = size.split(|&byte| byte == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(digits)
                    .ok()
                    .and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok())
                    .ok_or(MessageError::Malformed("a chunk's size is no hexadecimal number"))?;
                if size == 0 {
                    while !self.line(stream).await?.is_empty() {}
                    return Ok(None);
                }
                while self.pending.len() < size + 2 {
                    self.more(stream).await?;
                }
                let piece = self.consume(size);
                if self.consume(2) != b"\r\n"[..] {
                    return Err(MessageError::Malformed("a chunk does not end with a line end"));
                }
                Ok(Some(piece))
            }
        }
    }

    async fn line(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Bytes, MessageError> {
        loop {
            if let Some(end) = find(&self.pending, b"\r\n") {
                return Ok(self.consume(end + 2).slice(..end));
            }
            if self.pending.len() > HEAD_LIMIT {
                return Err(MessageError::Malformed("a line does not end"));
            }
            self.more(stream).await?;
        }
    }

    async fn more(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), MessageError> {
        self.pending.reserve(16 * 1024);
        match stream.read_buf(&mut self.pending).await? {
            0 => Err(MessageError::Cut),
            _ => Ok(()),
        }
    }

    fn consume(&mut self, count: usize) -> Bytes {
        let taken = self.pending.split_to(count).freeze();
        self.raw.extend_from_slice(&taken);
        taken
    }
}

fn parse_head(text: &[u8]) -> Result<Head, MessageError> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(MessageError::Malformed("a header line has no colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Head { start, headers: Headers(headers) })
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> (Head, Body, Bytes) {
        let mut stream = text;
        let mut reader = Reader::new();
        let head = reader.head(&mut stream).await.expect("the head is well formed");
        let length = Reader::request_length(&head).expect("the length is well formed");
        let body = reader.body(&mut stream, length).await;
        let raw = reader.take_raw();
        (head, body, raw)
    }

    #[tokio::test]
    async fn keeps_every_byte() {
        let text = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n";
        let (head, body, raw) = read(text).await;
        assert_eq!(head.start, "POST /a HTTP/1.1");
        assert_eq!(head.headers.get("HOST"), Some("x"));
        assert_eq!(body.bytes, "abcde");
        assert_eq!(raw, text[..]);
    }

    #[tokio::test]
    async fn tells_a_cut_body_from_a_whole_one() {
        let (_, body, _) = read(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc").await;
        assert_eq!(body.bytes, "abc");
        assert!(matches!(body.end, Err(MessageError::Cut)));
        let (_, body, _) = read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
        assert_eq!(body.bytes, "abc");
        assert!(matches!(body.end, Err(MessageError::Cut)));
    }
}
