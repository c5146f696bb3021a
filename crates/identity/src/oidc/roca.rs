/// Primes modulo which the weak generator's moduli stand out.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether an RSA modulus looks made by the Infineon library of CVE-2017-15361 (ROCA), whose keys can be factored.
///
/// That library's primes have the form k·M + 65537^a mod M with M a product of small primes, so modulo each small
/// prime the modulus is a power of 65537. One modulus in some 2^27 looks so by chance.
pub(crate) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == number {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_65537_stands_out_and_others_do_not() {
        // 65537^2, a power of the generator modulo every prime there is.
        assert!(is_roca(&[1, 0, 2, 0, 1]));
        assert!(!is_roca(&[1, 0, 2, 0, 3]));
        assert!(!is_roca(&[0xff; 256]));
    }
}
