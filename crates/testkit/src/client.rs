use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::message::{Head, Headers, Length, MessageError, Reader};

/// How long a test waits for an answer before it calls the server hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body as far as it came, without its framing.
    pub body: Bytes,
    /// Every byte, framing included.
    pub raw: Bytes,
    /// Whether the body ended as its head announced; false when it broke off.
    pub whole: bool,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that sends bytes as they are, so that a test can say what no client library would.
pub struct RawClient {
    stream: TcpStream,
    reader: Reader,
    body: Option<(Length, usize)>,
}

impl RawClient {
    /// Connects.
    ///
    /// # Errors
    /// When the server does not take the connection.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, reader: Reader::new(), body: None })
    }

    /// Connects, sends these bytes, and reads one answer.
    ///
    /// # Errors
    /// When no answer comes: the server closed, sent no HTTP, or took too long.
    pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Result<Answer, MessageError> {
        let mut client = Self::connect(address).await?;
        client.send(request).await?;
        client.answer().await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the server has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Sends a well-formed request with `content-length`; `headers` are whole lines without their ends.
    ///
    /// # Errors
    /// When the server has closed.
    pub async fn request(&mut self, method: &str, target: &str, headers: &[&str], body: &[u8]) -> io::Result<()> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.stream.peer_addr()?).into_bytes();
        for header in headers {
            text.extend_from_slice(header.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        if !body.is_empty() || method == "POST" {
            text.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(body);
        self.send(text).await
    }

    /// Reads an answer to its end, or as far as it comes.
    ///
    /// # Errors
    /// When not even a head comes.
    pub async fn answer(&mut self) -> Result<Answer, MessageError> {
        patient(async {
            let (status, head, length) = self.read_head().await?;
            let body = self.reader.body(&mut self.stream, length).await;
            let raw = self.reader.take_raw();
            Ok(Answer { status, headers: head.headers, body: body.bytes, raw, whole: body.end.is_ok() })
        })
        .await
    }

    /// Reads an answer's head; then read its body with [`RawClient::piece`].
    ///
    /// # Errors
    /// When no head comes.
    pub async fn head(&mut self) -> Result<(u16, Headers), MessageError> {
        let (status, head, length) = patient(self.read_head()).await?;
        self.body = Some((length, 0));
        Ok((status, head.headers))
    }

    /// The next piece of the body as it comes off the socket; `None` at its end.
    ///
    /// # Errors
    /// When the body breaks off, or no head was read before.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, MessageError> {
        let Some((length, taken)) = &mut self.body else {
            return Err(MessageError::Malformed("there is no body to read from"));
        };
        let piece = patient(self.reader.piece(&mut self.stream, length, *taken)).await?;
        match &piece {
            Some(bytes) => *taken += bytes.len(),
            None => self.body = None,
        }
        Ok(piece)
    }

    /// Whether the server closes the connection within `patience` without a further byte.
    pub async fn is_closed_within(&mut self, patience: Duration) -> bool {
        let closed = async {
            self.reader.is_idle()
                && matches!(self.reader.head(&mut self.stream).await, Err(MessageError::Closed | MessageError::Io(_)))
        };
        tokio::time::timeout(patience, closed).await.unwrap_or(false)
    }

    /// Shrinks the receive buffer, so that a client that does not read is felt at once.
    ///
    /// # Errors
    /// When the socket refuses.
    pub fn receive_at_most(&self, bytes: usize) -> io::Result<()> {
        socket2::SockRef::from(&self.stream).set_recv_buffer_size(bytes)
    }

    /// Says that nothing more will be sent, and goes on reading.
    ///
    /// # Errors
    /// When the socket is already closed.
    pub async fn end_sending(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Leaves with a TCP reset.
    ///
    /// # Errors
    /// When the socket refuses the option.
    pub fn reset(self) -> io::Result<()> {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    async fn read_head(&mut self) -> Result<(u16, Head, Length), MessageError> {
        loop {
            let head = self.reader.head(&mut self.stream).await?;
            let status = head
                .start
                .strip_prefix("HTTP/1.")
                .and_then(|rest| rest.get(2..5))
                .and_then(|digits| digits.parse().ok())
                .ok_or(MessageError::Malformed("the status line has no status"))?;
            if status != 100 {
                let length = Reader::answer_length(&head, status)?;
                return Ok((status, head, length));
            }
        }
    }
}

async fn patient<T>(work: impl Future<Output = Result<T, MessageError>>) -> Result<T, MessageError> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(MessageError::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))))
}
