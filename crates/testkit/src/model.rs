use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::message::{Headers, MessageError, Reader};
use crate::reply::{Framing, Reply, Step};

/// A request as the fake model server got it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which connection it came by, counted from 0.
    pub connection: usize,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
    /// The body, without its framing.
    pub body: Bytes,
    /// Every byte, from the method to the end of the body, framing included.
    pub raw: Bytes,
}

impl Received {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    connections: usize,
    open: usize,
    left: usize,
}

/// A model server on a free port of 127.0.0.1 that keeps what it is sent and answers by script. It stops when dropped.
pub struct FakeModel {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: AbortHandle,
}

type Answer = dyn Fn(&Received) -> Reply + Send + Sync;

impl FakeModel {
    /// Starts a server that gives `answer`'s reply to every request.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let accepting = tokio::spawn(accept(listener, Arc::new(answer), state.clone())).abort_handle();
        Ok(Self { address, state, accepting })
    }

    /// Starts a server that gives these replies in turn, and the last of them ever after.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn scripted(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let replies: Vec<Reply> = replies.into_iter().collect();
        let next = Mutex::new(0_usize);
        Self::start(move |_| {
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = replies.get(*next).or(replies.last()).cloned().unwrap_or_else(|| Reply::status(500));
            *next += 1;
            reply
        })
        .await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.state().received.len()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.state().open
    }

    /// How many peers left before they had been given their whole answer.
    pub fn left_early(&self) -> usize {
        self.state().left
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state().received.clear();
    }

    /// Waits until there were `count` requests; false when there are fewer after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> bool {
        let enough = async {
            while self.count() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(patience, enough).await.is_ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Owns its connections, so that aborting it closes them.
async fn accept(listener: TcpListener, answer: Arc<Answer>, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { return };
        let number = {
            let mut state = lock(&state);
            state.connections += 1;
            state.open += 1;
            state.connections - 1
        };
        let (answer, state) = (answer.clone(), state.clone());
        connections.spawn(async move {
            let _open = Open(state.clone());
            // A peer that leaves or sends what is no HTTP ends its own connection; the journal shows what came before.
            let _ = serve(stream, number, &answer, &state).await;
        });
    }
}

struct Open(Arc<Mutex<State>>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: &Arc<Answer>,
    state: &Mutex<State>,
) -> Result<(), MessageError> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::new();
    loop {
        let head = reader.head(&mut stream).await?;
        let body = reader.body(&mut stream, Reader::request_length(&head)?).await;
        let mut start = head.start.split(' ');
        let received = Received {
            connection,
            method: start.next().unwrap_or_default().to_owned(),
            target: start.next().unwrap_or_default().to_owned(),
            headers: head.headers,
            body: body.bytes,
            raw: reader.take_raw(),
        };
        let reply = answer(&received);
        lock(state).received.push(received);
        body.end?;
        match send(&mut stream, &reply).await {
            Ok(After::KeepAlive) => {}
            Ok(After::Close) => return Ok(()),
            Err(error) => {
                lock(state).left += 1;
                return Err(error.into());
            }
        }
    }
}

/// What becomes of the connection after an answer.
enum After {
    KeepAlive,
    Close,
}

async fn send(stream: &mut TcpStream, reply: &Reply) -> io::Result<After> {
    for step in &reply.before_head {
        if let Some(after) = take(stream, step, Framing::Close).await? {
            return Ok(after);
        }
    }
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, if reply.status < 400 { "OK" } else { "Error" });
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match reply.framing {
        Framing::Length => head.push_str(&format!("content-length: {}\r\n\r\n", reply.body().len())),
        Framing::Announced(length) => head.push_str(&format!("content-length: {length}\r\n\r\n")),
        Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n\r\n"),
        Framing::Close => head.push_str("connection: close\r\n\r\n"),
    }
    stream.write_all(head.as_bytes()).await?;
    for step in &reply.steps {
        if let Some(after) = take(stream, step, reply.framing).await? {
            return Ok(after);
        }
    }
    match reply.framing {
        Framing::Chunked => stream.write_all(b"0\r\n\r\n").await?,
        Framing::Close => return Ok(After::Close),
        Framing::Length | Framing::Announced(_) => {}
    }
    Ok(After::KeepAlive)
}

async fn take(stream: &mut TcpStream, step: &Step, framing: Framing) -> io::Result<Option<After>> {
    match step {
        Step::Send(bytes) if framing == Framing::Chunked && !bytes.is_empty() => {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(b"\r\n");
            stream.write_all(&chunk).await?;
        }
        Step::Send(bytes) => stream.write_all(bytes).await?,
        Step::Wait(wait) => watch(stream, tokio::time::sleep(*wait)).await?,
        Step::Stall => watch(stream, std::future::pending()).await?,
        Step::Close => return Ok(Some(After::Close)),
        Step::Reset => {
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
            return Ok(Some(After::Close));
        }
    }
    Ok(None)
}

/// Waits for `done`, or fails as soon as the peer leaves.
async fn watch(stream: &mut TcpStream, done: impl Future<Output = ()>) -> io::Result<()> {
    let mut byte = [0; 1];
    tokio::select! {
        () = done => Ok(()),
        // No request is sent while an answer is due, since neither the gateway nor our clients pipeline.
        read = stream.read(&mut byte) => match read {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            Ok(_) => Err(io::Error::other("the peer sent bytes while its answer was due")),
            Err(error) => Err(error),
        },
    }
}
