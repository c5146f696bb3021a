/// The catalogue that a new deployment begins with, commented for the people who will change it. Its issuer is `demo`.
pub const STARTER: &str = include_str!("../starter/catalogue.yaml");

/// The models of [`STARTER`], those that its analysts may use first.
pub const STARTER_MODELS: [&str; 4] = ["sales-forecast", "support-chat", "text-embed", "frontier-large"];

/// The models that the analysts of [`STARTER`] may use.
pub const STARTER_ALLOWED: [&str; 3] = ["sales-forecast", "support-chat", "text-embed"];

/// The starter catalogue for other models: analysts may use those in `allowed`, ML administrators use and manage all.
///
/// Names of any spelling are written so that YAML reads exactly them. Without an allowed model the analysts' grant is
/// left out, since an empty one would be a fault; so is the administrators' without any model.
pub fn starter_for(models: &[&str], allowed: &[&str]) -> String {
    let mut text = String::with_capacity(STARTER.len() + 64 * models.len());
    let mut skipping = false;
    for line in STARTER.lines() {
        let names = match line.trim_start().strip_prefix("- models: ") {
            Some(list) if list.contains("frontier-large") => Some(models),
            Some(_) => Some(allowed),
            None => None,
        };
        // A grant that is left out ends with the first line that is no deeper than its `grants:`.
        let depth = line.len() - line.trim_start().len();
        skipping = skipping && depth > 4;
        match names {
            Some([]) => {
                text.truncate(text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1));
                skipping = true;
            }
            Some(names) => {
                let names: Vec<String> = names.iter().map(|name| yaml_string(name)).collect();
                text.push_str("      - models: [");
                text.push_str(&names.join(", "));
                text.push_str("]\n");
            }
            None if skipping => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// A YAML string in double quotes (YAML 1.2, section 5.7), with everything beyond plain ASCII escaped.
fn yaml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' '..='~' => quoted.push(character),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}
