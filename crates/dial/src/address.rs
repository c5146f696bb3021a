use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Fault;
use crate::target::Scheme;

/// Addresses of cloud metadata and host services outside the link-local range: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// Whether this address may be connected to by this scheme.
pub(crate) fn check(address: IpAddr, scheme: Scheme) -> Result<(), Fault> {
    let real = unwrap(address);
    if is_special(real) || is_special(address) {
        return Err(Fault::ForbiddenAddress(address));
    }
    if scheme == Scheme::Http && !real.is_loopback() {
        return Err(Fault::PlainHttp(address));
    }
    Ok(())
}

/// The IPv4 address that an IPv6 address really leads to: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn unwrap(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let s = v6.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // The unspecified address and loopback look like compatible ones and are not.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => embedded(high, low),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
                || v4.octets()[0] >= 240
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v6(v6: Ipv6Addr) -> bool {
    let s = v6.segments();
    v6.is_unspecified()
        || v6.is_multicast()
        || v6.is_unicast_link_local()
        // Site-local, deprecated by RFC 3879; some stacks still route it.
        || s[0] & 0xffc0 == 0xfec0
        // Teredo (RFC 4380) hides an IPv4 address that nobody here needs to reach.
        || (s[0] == 0x2001 && s[1] == 0)
        // Metadata services of EC2 (fd00:ec2::254) and Google Cloud (fd20:ce::254).
        || (s[0] == 0xfd00 && s[1] == 0x0ec2)
        || (s[0] == 0xfd20 && s[1] == 0x00ce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str, scheme: Scheme) -> Result<(), Fault> {
        check(address.parse().expect("an address in a test"), scheme)
    }

    #[test]
    fn metadata_and_link_local_are_refused_in_every_disguise() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "::ffff:0.0.0.0",
            "255.255.255.255",
            "240.0.0.1",
            "224.0.0.1",
            "ff02::1",
            "fec0::1",
            "2001:0:1::1",
        ] {
            for scheme in [Scheme::Http, Scheme::Https] {
                assert!(matches!(verdict(address, scheme), Err(Fault::ForbiddenAddress(_))), "{address}");
            }
        }
    }

    #[test]
    fn plain_http_reaches_loopback_alone() {
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(verdict(address, Scheme::Http), Ok(()), "{address}");
        }
        for address in ["10.0.0.1", "192.168.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:10.0.0.1"] {
            assert!(matches!(verdict(address, Scheme::Http), Err(Fault::PlainHttp(_))), "{address}");
        }
    }

    #[test]
    fn https_reaches_public_and_private_networks() {
        for address in ["8.8.8.8", "10.0.0.1", "127.0.0.1", "::1", "2606:4700::1111", "fd12:3456::1"] {
            assert_eq!(verdict(address, Scheme::Https), Ok(()), "{address}");
        }
    }
}
