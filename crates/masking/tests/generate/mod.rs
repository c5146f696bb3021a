//! Sensitive values, their disguises, what stands around them, and what only looks like them.

mod checks;
mod disguise;
mod draw;
mod trap;
mod value;

pub(crate) use disguise::disguises;
pub(crate) use draw::Draw;
pub(crate) use trap::traps;
pub(crate) use value::values;

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
