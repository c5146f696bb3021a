use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// What the kernel holds for a caller that stops reading. Automatic buffers grow to megabytes for each of them.
const SEND_BUFFER: usize = 128 * 1024;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// Takes a port. Connections inherit the listener's bounded send buffer.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the last run to time out; on Linux this lets nobody share the port.
    socket.set_reuse_address(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
