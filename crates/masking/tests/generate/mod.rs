//! Sensitive values, their disguises, what stands around them, and what only looks like them.

mod disguise;
mod trap;
mod value;

pub(crate) use disguise::disguises;
pub(crate) use trap::traps;
pub(crate) use value::values;

/// A small generator, so that every run makes the same text.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A pattern with its marks replaced: `N` a digit, `Z` a digit but zero, `H` and `h` hexadecimal, `U` a capital, `l` a
    /// small letter, `W` a letter or a digit, `Q` a capital or a digit, `B` of base 64; after a backslash as it is.
    pub(crate) fn fill(&mut self, pattern: &str) -> String {
        let mut marks = pattern.chars();
        let mut filled = String::new();
        while let Some(mark) = marks.next() {
            let alphabet: &[u8] = match mark {
                'N' => b"0123456789",
                'Z' => b"23456789",
                'H' => b"0123456789ABCDEF",
                'h' => b"0123456789abcdef",
                'U' => b"ABCDEFGHJKLMNPQRSTUVWXYZ",
                'l' => b"abcdefghijklmnopqrstuvwxyz",
                'Q' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                'W' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                'B' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                '\\' => {
                    filled.extend(marks.next());
                    continue;
                }
                other => {
                    filled.push(other);
                    continue;
                }
            };
            filled.push(alphabet[self.below(alphabet.len())] as char);
        }
        filled
    }

    /// A pattern, its last mark so many times.
    pub(crate) fn key(&mut self, prefix: &str, mark: char, length: usize) -> String {
        format!("{prefix}{}", self.fill(&mark.to_string().repeat(length)))
    }
}

/// What stands before and after a value.
pub(crate) fn sentences(kind: &str, draw: &mut Draw) -> (&'static str, &'static str) {
    const AROUND: &[&(&str, &str)] = &[
        &("Hi team, the customer wrote ", " in the form; can you check?"),
        &("- ", "\n- next item\n"),
        &("{\"value\": \"", "\", \"done\": true}"),
        &("| Field | ", " | yes |\n"),
        &("2026-03-01T10:22:07Z INFO worker-3 got ", " from upstream\n"),
        &("<field>", "</field>"),
        &("name;value;note\nx;", ";ok\n"),
        &("Bitte prüfen Sie ", " noch einmal."),
        &("let input = \"", "\";"),
        &("¿Puede confirmar ", ", por favor?"),
        &("お客様の情報: ", "。よろしくお願いします。"),
        &("> quoted: *", "*\n"),
        &("(", ")"),
        &("value: ", "\nother: 1\n"),
        &("고객 정보는 ", " 입니다."),
    ];
    const SPOKEN: &[(&str, &[&(&str, &str)])] = &[
        (
            "phone",
            &[
                &("You can call me on ", " after six."),
                &("Telefon: ", "\n"),
                &("{\"mobile\":\"", "\"}"),
                &("電話番号は", "です。"),
            ],
        ),
        ("ssn", &[&("my social security number is ", "."), &("SSN: ", ""), &("\"ssn\":\"", "\"")]),
        (
            "password",
            &[
                &("password: ", "\n"),
                &("DB_PASSWORD=", "\n"),
                &("{\"password\": \"", "\"}"),
                &("the password is ", " by the way"),
                &("Passwort: ", "\n"),
                &("mot de passe : ", "\n"),
                &("contraseña: ", "\n"),
                &("passwd = '", "'"),
                &("密码：", "\n"),
            ],
        ),
        (
            "key",
            &[
                &("api_key = \"", "\"\n"),
                &("API-Key: ", "\n"),
                &("export SECRET_TOKEN=", "\n"),
                &("\"client_secret\": \"", "\""),
                &("Authorization: Bearer ", "\n"),
                &("access_token=", "&x=1"),
            ],
        ),
    ];
    match SPOKEN.iter().find(|(spoken, _)| *spoken == kind) {
        Some((_, around)) => *draw.one(around),
        None => *draw.one(AROUND),
    }
}
