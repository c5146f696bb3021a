use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{Delivery, Target};
use crate::wire::{self, Body};

/// Sends `rate` requests a second and gives the time from when each *should* have been sent to its answer's last byte,
/// so that a server that stalls pays for every request that had to wait behind the stall.
///
/// Each connection has a thread: a sleeping thread wakes to the microsecond, a runtime's timer to the millisecond.
pub(crate) fn fixed_rate(
    target: &Target,
    rate: u32,
    connections: u32,
    warm_up: Duration,
    window: Duration,
) -> Result<Vec<Duration>, String> {
    let request = target.request(Delivery::Whole);
    let start = Instant::now() + Duration::from_millis(50);
    let (counted_from, end) = (start + warm_up, start + warm_up + window);
    let step = Duration::from_secs(1) * connections / rate;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|index| {
                let request = &request;
                let first = start + Duration::from_secs(1) * index / rate;
                scope.spawn(move || client(target, request, first, step, counted_from, end))
            })
            .collect();
        let mut latencies = Vec::new();
        for client in clients {
            latencies.extend(client.join().map_err(|_| "a client panicked".to_owned())??);
        }
        Ok(latencies)
    })
}

fn client(
    target: &Target,
    request: &[u8],
    first: Instant,
    step: Duration,
    counted_from: Instant,
    end: Instant,
) -> Result<Vec<Duration>, String> {
    let mut stream = TcpStream::connect(target.address).map_err(|error| format!("connecting: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(|error| error.to_string())?;
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    let mut intended = first;
    while intended < end {
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        stream.write_all(request).map_err(|error| format!("sending: {error}"))?;
        read_whole(&mut stream, &mut buffer)?;
        if intended >= counted_from {
            latencies.push(intended.elapsed());
        }
        intended += step;
    }
    Ok(latencies)
}

fn read_whole(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), String> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).map_err(|error| format!("reading: {error}"))?;
        if count == 0 {
            return Err("the connection was closed amid an answer, or an answer is too long".into());
        }
        filled += count;
        let Some(message) = wire::head(&buffer[..filled]) else { continue };
        if wire::status(buffer) != Some(200) {
            return Err(format!("answered {}", String::from_utf8_lossy(&buffer[..filled])));
        }
        let whole = match message.body {
            Body::Length(length) => filled >= message.head.end + length,
            Body::Chunked => buffer[..filled].ends_with(b"\r\n0\r\n\r\n"),
        };
        if whole {
            return Ok(());
        }
    }
}
