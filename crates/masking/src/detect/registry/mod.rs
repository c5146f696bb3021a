//! The built-in detectors by name, with what they find and what they leave alone.

mod america;
mod asia;
mod europe;

use crate::TypeIndex;

/// A built-in info type. Its place here is its [`TypeIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    EmailAddress,
    CreditCard,
    UsSsn,
    PhoneNumber,
    IbanCode,
    IpAddress,
    MacAddress,
    Crypto,
    UkNino,
    Secret,
    UsItin,
    AbaRoutingNumber,
    UsNpi,
    UsMbi,
    MedicalLicense,
    CaSin,
    BrCpf,
    BrCnpj,
    ArCuit,
    ClRut,
    MxCurp,
    EcCedula,
    UkNhs,
    DeTaxId,
    DeSocialSecurity,
    DeHealthInsurance,
    FrNir,
    NlBsn,
    BeNationalNumber,
    ChAhv,
    AtSvnr,
    EsNif,
    EsNie,
    ItFiscalCode,
    ItVatCode,
    PtNif,
    PlPesel,
    PlNip,
    SePersonnummer,
    NoFodselsnummer,
    DkCpr,
    IsKennitala,
    FiPersonalIdentityCode,
    IePps,
    CzBirthNumber,
    RoCnp,
    BgEgn,
    HrOib,
    GrAmka,
    EeIsikukood,
    RsJmbg,
    RuSnils,
    RuInn,
    UaRnokpp,
    TrTckn,
    InAadhaar,
    InPan,
    CnResidentId,
    JpMyNumber,
    KrRrn,
    SgNricFin,
    HkId,
    TwId,
    ThTnin,
    MyNric,
    IdNik,
    IlId,
    KzIin,
    ZaId,
    AuAbn,
    AuAcn,
    AuTfn,
    AuMedicare,
    NzIrd,
}

impl Builtin {
    pub(crate) const fn index(self) -> TypeIndex {
        TypeIndex::new(self as u16)
    }
}

/// What a person wants to know of a built-in detector. Its examples are tests, and all of it makes a page of the
/// documentation.
pub(crate) struct Entry {
    pub(crate) builtin: Builtin,
    /// Presidio's name for it, where it has one.
    pub(crate) name: &'static str,
    /// One sentence.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the documentation's test"))]
    pub(crate) about: &'static str,
    /// What tells it from what only looks like it.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the documentation's test"))]
    pub(crate) certain: &'static str,
    /// Words that speak of it, looked for before a value. One that ends in `$` must end there; one in capitals must be
    /// written so, because in small letters it is a common word.
    pub(crate) context: &'static [&'static str],
    /// Where it is a number of digits.
    pub(crate) digits: Option<DigitForm>,
    /// Where it is a code of letters and digits.
    pub(crate) code: Option<CodeForm>,
    /// Texts with the value in guillemets.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are tests"))]
    pub(crate) finds: &'static [&'static str],
    /// Texts in which nothing is found.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are tests"))]
    pub(crate) leaves: &'static [&'static str],
}

/// Numbers of so many digits.
pub(crate) struct DigitForm {
    pub(crate) lengths: &'static [usize],
    /// Lengths of groups that need no context.
    pub(crate) alone: &'static [&'static [usize]],
    /// The rules of issuance and the check digits.
    pub(crate) check: fn(&[u8]) -> bool,
}

/// Codes that look like one of the templates.
pub(crate) struct CodeForm {
    pub(crate) templates: &'static [&'static str],
    pub(crate) need: Need,
    /// The rules of issuance and the check character.
    pub(crate) check: fn(&[u8]) -> bool,
}

/// What makes a code certain beside its check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its shape.
    Shape,
    /// The text speaks of it.
    Context,
}

/// Every built-in detector; its place is its index.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    [COMMON, america::AMERICA, europe::EUROPE, asia::ASIA].into_iter().flatten()
}

/// What is found everywhere.
const COMMON: &[Entry] = &[
    Entry {
        builtin: Builtin::EmailAddress,
        name: "EMAIL_ADDRESS",
        about: "E-mail addresses with a top-level domain; international ones; with at and dot spelled out.",
        certain: "shape of both sides",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "write to ‹alice@example.com›.",
            "‹jörg+news@münchen-it.de›, or",
            "'‹o.neil_1@mail.example.co.uk›'",
            "reach ‹justin [dot] campbell [at] contoso [dot] co [dot] uk› today",
            "reach ‹jane at example dot com› today",
            "请联系‹jason@x.com›或",
            "write to ‹bob@example.com›—today",
            "‹bob\\x40example.com›",
            "‹ana arroba example punto com›",
            "‹bob%EF%BC%A0example.com›",
            "‹иван@почта.рф›",
            "mailto:‹bob%40example.com›",
        ],
        leaves: &[
            "vite@17.13.4",
            "@types/node@9.18.9",
            "git@github.com:acme/w.git",
            "icon@2x.png",
            "@handle",
            "look at example.com",
            "user@host",
        ],
    },
    Entry {
        builtin: Builtin::CreditCard,
        name: "CREDIT_CARD",
        about: "Payment cards of 13 to 19 digits: an issuer's range, its lengths, and the Luhn digit.",
        certain: "issuer's range, length and Luhn digit",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "card ‹4111111111111111›, ok",
            "‹4111-1111-1111-1111›",
            "‹3755-362768-21386›",
            "‹4111 1111 1111 1111› 12/29",
            "1. ‹4111 1111 1111 1111›",
            "export CARD_‹4111111111111111›",
            "‹４１１１.１１１１.１１１１.１１１１›",
            "‹٤١١١ ١١١١ ١١١١ ١١١١›",
            "‹4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1›.",
        ],
        leaves: &[
            "4111111111111112",
            "1763387437985",
            "978-2-9896-8550-4",
            "0.4111111111111111",
            "41111111111111114111111111111111",
            "x4111111111111111",
            "order_4111111111111111",
        ],
    },
    Entry {
        builtin: Builtin::UsSsn,
        name: "US_SSN",
        about: "United States social security numbers by the rules of issuance; nine bare digits only where the text speaks of them.",
        certain: "areas and groups that are issued; nine bare digits only where the text speaks of them",
        context: &[
            "ssn",
            "social security",
            "social_security",
            "socialsecurity",
            "soc sec",
            "social-security",
            "ssid$",
            "seguro social",
            "sécurité sociale",
            "sozialversicherung",
            "tax id",
            "taxpayer",
            "tin$",
            "社会安全号",
            "社会保障号",
            "社会保障番号",
            "사회보장번호",
            "социального страхования",
        ],
        digits: None,
        code: None,
        finds: &[
            "is ‹225 38 1921›,",
            "ssn_‹225-38-1921›",
            "‹078-05-1120›",
            "social security number ‹148819194›. Let",
            "\"ssn\": \"‹148819194›\"",
        ],
        leaves: &["975-00-0109", "000-42-4666", "148819194", "666-12-1234", "ORD-148819194", "078-05-1120-1234"],
    },
    Entry {
        builtin: Builtin::PhoneNumber,
        name: "PHONE_NUMBER",
        about: "International numbers by country plan, national ones by shape, others where the text speaks of a phone; with extension.",
        certain: "country codes and lengths, national shapes, or the text speaks of a phone",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "Call ‹+44 121 443 5362› now",
            "‹(206) 994-2691›.",
            "‹206.994.2691› ext",
            "‹+1-201-555-0123 ext. 45›.",
            "‹0033123456789›",
            "‹030 17303783›",
            "‹01 23 76 43 35›",
            "phone: ‹8005551234›",
            "‹+44 (0)20 7946 0958›",
            "<a href=\"‹tel:+44-121-443-5362›\">",
        ],
        leaves: &[
            "2024-11-24",
            "27/10/2024",
            "17.13.4",
            "ORD-334000601",
            "8005551234",
            "1714495465246",
            "0.5904782380379517",
            "10:19:46",
        ],
    },
    Entry {
        builtin: Builtin::IbanCode,
        name: "IBAN_CODE",
        about: "International bank account numbers: the country's length, and MOD 97-10.",
        certain: "country, length, and MOD 97-10",
        context: &[],
        digits: None,
        code: None,
        finds: &["IBAN ‹DE89 3704 0044 0532 0130 00›", "‹gb29nwbk60161331926819›.", "‹AT611904300234573201›"],
        leaves: &["DE89 3704 0044 0532 0130 01", "AT210040343485574314", "XX891234567890123456"],
    },
    Entry {
        builtin: Builtin::IpAddress,
        name: "IP_ADDRESS",
        about: "IPv4 and IPv6 addresses, but not versions and not names for this machine.",
        certain: "bytes in range, and no version stands there",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "from ‹203.0.113.7›:8080",
            "‹2001:db8::1›",
            "‹2a06:8a4f::aba4›",
            "‹2001:db8:3da9:3d97:a5ed:5035:2a6c:e1f1›.",
        ],
        leaves: &["version 10.4.2.1", "127.0.0.1", "1.2.3.4.5", "std::vec", "10:19:46", "256.1.1.1", "v1.2.3.4"],
    },
    Entry {
        builtin: Builtin::MacAddress,
        name: "MAC_ADDRESS",
        about: "Hardware addresses of six or eight bytes.",
        certain: "groups and one separator",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "MAC ‹7a:d6:b9:61:e4:1b› joined",
            "‹00-1B-44-11-3A-B7›",
            "‹001b.4411.3ab7›",
            "mac:‹7a:d6:b9:61:e4:1b›",
        ],
        leaves: &["ff:ff:ff:ff:ff:ff", "12:30:45", "00:00:00:00:00:00"],
    },
    Entry {
        builtin: Builtin::Crypto,
        name: "CRYPTO",
        about: "Bitcoin addresses with their checksum, and Ethereum addresses.",
        certain: "base58check or bech32 checksum, or the shape of Ethereum's",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "‹1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa›",
            "‹bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq›",
            "‹0xef8302cb615019114d2eafe1cbf824d8a28b81f9› received",
        ],
        leaves: &["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "0xef8302cb", "fccd646ed905a2609d59341b0374b69b97e56972"],
    },
    Entry {
        builtin: Builtin::UkNino,
        name: "UK_NINO",
        about: "United Kingdom national insurance numbers.",
        certain: "prefixes that are issued",
        context: &["national insurance", "nino", "ni number", "ni no", "insurance number"],
        digits: None,
        code: None,
        finds: &["number: ‹LL068556A›.", "‹AB 12 34 56 C›", "nino ‹ab123456c›"],
        leaves: &["BG123456A", "AB123456E", "GB29 3456", "ab123456c"],
    },
    Entry {
        builtin: Builtin::Secret,
        name: "SECRET",
        about: "Keys and tokens by their issuer's prefix, JSON Web Tokens, private keys, passwords and keys that are announced as such, passwords in URLs.",
        certain: "issuer's prefix and length, entropy, or words that announce it",
        context: &[],
        digits: None,
        code: None,
        finds: &[
            "token ‹ghp_vmrbHu1UHbvsZHQptdC4LJsvr61DCnrPw0iy›;",
            "password: ‹hunter2Horse9!›",
            "postgres://svc_app:‹S%NGtSXcBVPCSo›@db.internal",
            "AWS_SECRET_ACCESS_KEY=‹vH+KBvKqdnrurLn7Y/gcSme81ruagOcDsaV3Aqs1›\"",
            "‹-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----› done",
            "‹eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1ODIwMSJ9.jPQrtc5Iu8Ej›",
            "‹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›",
        ],
        leaves: &[
            "password: required",
            "the password is weak",
            "token: 12",
            "api_key = os.environ[\"API_KEY\"]",
            "password=${DB_PASSWORD}",
            "-----BEGIN CERTIFICATE-----",
            "sk-learn-is-a-well-known-library",
            "http://localhost:8080/",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Detectors;

    #[test]
    fn entries_stand_at_their_place() {
        for (place, entry) in entries().enumerate() {
            assert_eq!(entry.builtin.index().place(), place);
            assert!(entry.about.ends_with('.'));
        }
    }

    #[test]
    fn examples_are_found_exactly() {
        let detectors = Detectors::builtin();
        for entry in entries() {
            for marked in entry.finds {
                let plain: String = marked.replace(['‹', '›'], "");
                let start = marked.find('‹').expect("marked");
                let end = marked.find('›').expect("marked") - '‹'.len_utf8();
                let found: Vec<_> = detectors.find(&plain).iter().map(|f| (f.info_type, f.start, f.end)).collect();
                assert_eq!(found, [(entry.builtin.index(), start, end)], "{} in {marked}", entry.name);
            }
        }
    }

    #[test]
    fn counter_examples_are_left_alone() {
        let detectors = Detectors::builtin();
        for entry in entries() {
            for text in entry.leaves {
                let mut found = detectors.find(text);
                // What is no valid number of one country may be a phone number of another.
                if entry.digits.is_some() || entry.code.is_some() {
                    found.retain(|finding| finding.info_type == entry.builtin.index());
                }
                assert!(found.is_empty(), "{}: {text} gave {found:?}", entry.name);
            }
        }
    }

    /// The page that the registry makes. `UPDATE=1` writes it.
    #[test]
    fn the_documentation_is_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/detectors.md");
        let page = page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &page).expect("the page can be written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page, "docs/detectors.md is not what the registry says: run this test with UPDATE=1");
    }

    fn page() -> String {
        let mut page = "# Detectors\n\nMade from the registry in `crates/masking/src/detect/registry`; a test keeps it true. Where two find the same \
            bytes, the one that stands first counts. Values in examples are between ‹ and ›.\n"
            .to_owned();
        for entry in entries() {
            page += &format!("\n## `{}`\n\n{} Certain by: {}.\n", entry.name, entry.about, entry.certain);
            if !entry.context.is_empty() {
                let words = entry.context.iter().map(|word| word.trim_end_matches('$'));
                page += &format!("Words that speak of it: {}.\n", words.collect::<Vec<_>>().join(", "));
            }
            page += &format!("\n- found: {}\n- left: {}\n", examples(entry.finds), examples(entry.leaves));
        }
        page
    }

    fn examples(texts: &[&str]) -> String {
        let quoted = texts.iter().map(|text| format!("`` {} ``", text.replace('\n', "⏎")));
        quoted.collect::<Vec<_>>().join(", ")
    }
}
