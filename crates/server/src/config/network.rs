use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`, `fd00::/8`; a single address stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads an address with an optional prefix length. Bits beyond the prefix must be zero: who writes `10.1.2.3/8`
    /// means something else than it says.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "expected a network such as 10.0.0.0/8 or fd00::/8";
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| SHAPE)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            Some(digits) if !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u8>().ok().filter(|prefix| *prefix <= widest).ok_or(SHAPE)?
            }
            Some(_) => return Err(SHAPE),
        };
        let network = Self { address, prefix };
        if bits(address) != network.masked(bits(address)) {
            return Err("the address has bits beyond its prefix");
        }
        Ok(network)
    }

    /// The address and the prefix length.
    pub const fn parts(&self) -> (IpAddr, u8) {
        (self.address, self.prefix)
    }

    /// Whether the address is in the network. An IPv4 address in its IPv6 form (`::ffff:10.0.0.1`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && self.masked(bits(address)) == bits(self.address)
    }

    fn masked(&self, bits: u128) -> u128 {
        if self.prefix == 0 { 0 } else { bits & (u128::MAX << (128 - u32::from(self.prefix))) }
    }
}

/// The address's bits, the first one highest.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether nothing that a model server could be lives at this address: the link-local networks, where clouds keep
/// their metadata services, those services' other addresses, and addresses that are no single host.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    const FORBIDDEN_V6: [Ipv6Addr; 2] = [
        // Amazon's instance metadata and time services.
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123),
    ];
    // Alibaba Cloud, Azure's wire server, Oracle Cloud classic.
    const FORBIDDEN_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || FORBIDDEN_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || FORBIDDEN_V6.contains(&v6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_exactly_its_addresses() {
        let check = |network: &str, address: &str| {
            let address = address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            Network::parse(network).map(|network| network.contains(address))
        };
        assert_eq!(check("10.0.0.0/8", "10.255.255.255"), Ok(true));
        assert_eq!(check("10.0.0.0/8", "11.0.0.0"), Ok(false));
        assert_eq!(check("10.0.0.0/8", "::ffff:10.0.0.1"), Ok(true));
        assert_eq!(check("10.0.0.0/8", "a00::1"), Ok(false), "the same first byte in the other family");
        assert_eq!(check("192.0.2.7", "192.0.2.7"), Ok(true));
        assert_eq!(check("192.0.2.7", "192.0.2.6"), Ok(false));
        assert_eq!(check("0.0.0.0/0", "203.0.113.9"), Ok(true));
        assert_eq!(check("fd00::/8", "fdff::1"), Ok(true));
        assert_eq!(check("fd00::/8", "fe00::1"), Ok(false));
    }

    #[test]
    fn refuses_what_is_no_network() {
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.1.2.3/8",
            "fd00::/129",
            "x/8",
            "10.0.0.0/8/8",
        ] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_services_are_forbidden_in_every_spelling() {
        for bad in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "168.63.129.16",
        ] {
            assert!(bad.parse().is_ok_and(is_forbidden), "{bad}");
        }
        for good in ["10.0.0.5", "127.0.0.1", "::1", "192.168.1.1", "8.8.8.8", "fd12::1"] {
            assert!(good.parse().is_ok_and(|address| !is_forbidden(address)), "{good}");
        }
    }
}
