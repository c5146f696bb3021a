use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::origin::Origin;

/// Browsers take 4,096 bytes of name and value together.
const LONGEST_PIECE: usize = 3_600;
/// Five pieces hold any token that the gateway takes, and stay below the usual bound of a request's head.
const MOST_PIECES: usize = 5;

/// A cookie of ours by its full name.
///
/// With HTTPS the name begins with `__Host-`, which browsers keep for cookies that this very host set over TLS, so that no
/// other host of the domain can plant one. Plain HTTP, which is for loopback, cannot have that; there the name carries the
/// port, since browsers share cookies between the ports of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    name: String,
    attributes: &'static str,
}

impl Cookie {
    pub(crate) fn new(origin: &Origin, word: &str) -> Self {
        if origin.is_secure() {
            let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax";
            Self { name: format!("__Host-gatewright-{word}"), attributes }
        } else {
            let attributes = "; Path=/; HttpOnly; SameSite=Lax";
            Self { name: format!("gatewright-{}-{word}", origin.port()), attributes }
        }
    }

    /// Its value, put together again; `None` where it is absent, incomplete or there twice: of two with one name it is not
    /// known who set which.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<String> {
        let first = self.only(headers, 0)?;
        let (count, first) = first.split_once('.')?;
        let count: usize = count.parse().ok().filter(|count| (1..=MOST_PIECES).contains(count))?;
        let mut whole = first.to_owned();
        for place in 1..count {
            whole.push_str(self.only(headers, place)?);
        }
        Some(whole)
    }

    fn only<'h>(&self, headers: &'h HeaderMap, place: usize) -> Option<&'h str> {
        let name = self.piece_name(place);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut found = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = found.by_ref().filter(|(given, _)| *given == name).map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn piece_name(&self, place: usize) -> String {
        if place == 0 { self.name.clone() } else { format!("{}-{place}", self.name) }
    }

    /// The lines that set it for so many seconds; `None` where the value is too long for a browser.
    pub(crate) fn set(&self, value: &str, seconds: u64) -> Option<Vec<HeaderValue>> {
        let pieces: Vec<&str> =
            value.as_bytes().chunks(LONGEST_PIECE).map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
        if pieces.is_empty() || pieces.len() > MOST_PIECES {
            return None;
        }
        let count = pieces.len();
        let line = |(place, piece): (usize, &&str)| {
            let name = self.piece_name(place);
            let value = if place == 0 { format!("{count}.{piece}") } else { (*piece).to_owned() };
            HeaderValue::try_from(format!("{name}={value}; Max-Age={seconds}{}", self.attributes)).ok()
        };
        pieces.iter().enumerate().map(line).collect()
    }

    /// The lines that take it away, as far as the browser sent it.
    pub(crate) fn clear(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        let there = |place: &usize| {
            *place == 0
                || headers
                    .get_all(COOKIE)
                    .iter()
                    .any(|line| line.to_str().is_ok_and(|line| line.contains(&self.piece_name(*place))))
        };
        let line = |place: usize| {
            HeaderValue::try_from(format!("{}=; Max-Age=0{}", self.piece_name(place), self.attributes)).ok()
        };
        (0..MOST_PIECES).filter(there).filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).expect("a value"))).collect()
    }

    #[test]
    fn a_long_value_travels_in_pieces() {
        let cookie = Cookie::new(&Origin::configured("https://ops.example"), "session");
        for length in [1, LONGEST_PIECE, LONGEST_PIECE + 1, MOST_PIECES * LONGEST_PIECE] {
            let value = "v".repeat(length);
            let lines = cookie.set(&value, 60).expect("it fits");
            assert!(lines.iter().all(|line| line.len() <= 4_096));
            let sent: Vec<&str> =
                lines.iter().map(|line| line.to_str().expect("ASCII").split(';').next().expect("a pair")).collect();
            assert_eq!(cookie.read(&headers(&[&sent.join("; ")])), Some(value), "{length}");
        }
        assert_eq!(cookie.set(&"v".repeat(MOST_PIECES * LONGEST_PIECE + 1), 60), None);
    }

    #[test]
    fn is_for_this_host_alone_and_out_of_scripts_reach() {
        let secure = Cookie::new(&Origin::configured("https://ops.example"), "session").set("v", 60).expect("short");
        assert_eq!(secure, ["__Host-gatewright-session=1.v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"]);
        let plain = Cookie::new(&Origin::configured("http://127.0.0.1:8081"), "session").set("v", 60).expect("short");
        assert_eq!(plain, ["gatewright-8081-session=1.v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"]);
    }

    #[test]
    fn two_of_a_name_are_none() {
        let cookie = Cookie::new(&Origin::configured("https://ops.example"), "session");
        let name = "__Host-gatewright-session";
        assert_eq!(cookie.read(&headers(&[&format!("a=b; {name}=1.x")])), Some("x".to_owned()));
        assert_eq!(cookie.read(&headers(&[&format!("{name}=1.x; {name}=1.y")])), None);
        assert_eq!(cookie.read(&headers(&[&format!("{name}=1.x"), &format!("{name}=1.x")])), None);
        for bad in ["x", "0.x", "2.x", "6.x", "-1.x", ".x", ""] {
            assert_eq!(cookie.read(&headers(&[&format!("{name}={bad}")])), None, "{bad}");
        }
    }
}
