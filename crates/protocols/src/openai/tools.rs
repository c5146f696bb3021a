use gatewright_json::{Object, Value};
use gatewright_model::{Code, Refusal};

use super::messages;
use super::operation::{invalid, unknown};

/// Checks the tools that a request offers, the choice among them, and the form of the answer.
pub(super) fn check(body: &Object) -> Result<(), Refusal> {
    let stated = |name: &str| body.get(name).filter(|value| !value.is_null());
    if stated("tools").is_some() && stated("functions").is_some() {
        let message = "The fields `tools` and `functions` mean the same thing; say it once.";
        return Err(Refusal::new(Code::AmbiguousRequest, message).about("functions"));
    }
    if let Some(tools) = stated("tools") {
        list(tools, "tools")?.iter().enumerate().try_for_each(|(index, tool)| {
            let at = format!("tools[{index}]");
            let tool = only_function(tool, &at)?;
            check_definition(tool, &format!("{at}.function"))
        })?;
    }
    if let Some(functions) = stated("functions") {
        list(functions, "functions")?
            .iter()
            .enumerate()
            .try_for_each(|(index, function)| check_definition(Some(function), &format!("functions[{index}]")))?;
    }
    match stated("tool_choice") {
        None => {}
        Some(Value::String(word)) if matches!(word.as_str(), "none" | "auto" | "required") => {}
        Some(choice @ Value::Object(_)) => check_name_alone(only_function(choice, "tool_choice")?, "tool_choice")?,
        Some(_) => return Err(invalid("The field `tool_choice` is of another shape.", "tool_choice")),
    }
    match stated("function_call") {
        None => {}
        Some(Value::String(word)) if matches!(word.as_str(), "none" | "auto") => {}
        Some(choice) => check_name_alone(Some(choice), "function_call")?,
    }
    check_format(stated("response_format"))?;
    check_prediction(stated("prediction"))
}

/// How many tools a request offers; `None` where it says nothing of tools.
pub(super) fn count(body: &Object) -> Option<usize> {
    let tools = body.get("tools").or_else(|| body.get("functions"))?;
    tools.as_array().map(<[Value]>::len)
}

/// The names of the tools that a request offers.
pub(super) fn names(body: &Value) -> Vec<String> {
    let of = |field: &str| body.get(field).and_then(Value::as_array).unwrap_or_default();
    let tools = of("tools").iter().filter_map(|tool| tool.pointer("/function/name"));
    let functions = of("functions").iter().filter_map(|function| function.get("name"));
    tools.chain(functions).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list<'v>(value: &'v Value, at: &str) -> Result<&'v [Value], Refusal> {
    match value.as_array() {
        Some(items) if items.len() <= 128 => Ok(items),
        Some(_) | None => Err(invalid(format!("The field `{at}` must be a list of at most 128."), at)),
    }
}

/// The function of a tool. Tools of other types reach files, datasets, the network or a machine at the model server,
/// where no policy of ours sees them.
fn only_function<'v>(tool: &'v Value, at: &str) -> Result<Option<&'v Value>, Refusal> {
    let Some(tool) = tool.as_object() else {
        return Err(invalid(format!("`{at}` must be an object."), at));
    };
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        let message = format!("`{at}.type` must be `function`: other tools reach beyond this gateway.");
        return Err(Refusal::new(Code::UnsupportedField, message).about(format!("{at}.type")));
    }
    if let Some((name, _)) = tool.iter().find(|(name, _)| !matches!(*name, "type" | "function")) {
        return Err(unknown(name, ["type", "function"].into_iter()));
    }
    Ok(tool.get("function"))
}

fn check_definition(function: Option<&Value>, at: &str) -> Result<(), Refusal> {
    let Some(function) = function.and_then(Value::as_object) else {
        return Err(invalid(format!("`{at}` must be an object."), at));
    };
    for (name, value) in function.iter() {
        match (name, value) {
            ("name" | "description", Value::String(_)) | ("parameters", Value::Object(_)) => {}
            ("strict", Value::Bool(_)) | ("description" | "parameters" | "strict", Value::Null) => {}
            ("name" | "description" | "parameters" | "strict", _) => {
                return Err(invalid(format!("`{at}.{name}` is of another shape."), at));
            }
            _ => return Err(unknown(name, ["name", "description", "parameters", "strict"].into_iter())),
        }
    }
    match function.get("name") {
        Some(Value::String(name)) if !name.is_empty() && name.len() <= 256 => Ok(()),
        _ => Err(invalid(format!("`{at}.name` must be a name."), at)),
    }
}

fn check_name_alone(choice: Option<&Value>, at: &str) -> Result<(), Refusal> {
    let Some(choice) = choice.and_then(Value::as_object) else {
        return Err(invalid(format!("The field `{at}` is of another shape."), at));
    };
    if let Some((name, _)) = choice.iter().find(|(name, _)| *name != "name") {
        return Err(unknown(name, ["name"].into_iter()));
    }
    match choice.get("name") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(invalid(format!("The field `{at}` must name a function."), at)),
    }
}

fn check_format(format: Option<&Value>) -> Result<(), Refusal> {
    const AT: &str = "response_format";
    let Some(format) = format else { return Ok(()) };
    let other = || invalid("The field `response_format` is of another shape.", AT);
    let format = format.as_object().ok_or_else(other)?;
    if let Some((name, _)) = format.iter().find(|(name, _)| !matches!(*name, "type" | "json_schema")) {
        return Err(unknown(name, ["type", "json_schema"].into_iter()));
    }
    match (format.get("type").and_then(Value::as_str), format.get("json_schema")) {
        (Some("text" | "json_object"), None | Some(Value::Null)) => Ok(()),
        (Some("json_schema"), Some(Value::Object(schema))) => {
            for (name, value) in schema.iter() {
                match (name, value) {
                    ("name" | "description", Value::String(_)) | ("schema", Value::Object(_)) => {}
                    ("strict", Value::Bool(_)) | ("description" | "schema" | "strict", Value::Null) => {}
                    ("name" | "description" | "schema" | "strict", _) => return Err(other()),
                    _ => return Err(unknown(name, ["name", "description", "schema", "strict"].into_iter())),
                }
            }
            Ok(())
        }
        _ => Err(other()),
    }
}

fn check_prediction(prediction: Option<&Value>) -> Result<(), Refusal> {
    const AT: &str = "prediction";
    let Some(prediction) = prediction else { return Ok(()) };
    let other = || invalid("The field `prediction` is of another shape.", AT);
    let prediction = prediction.as_object().ok_or_else(other)?;
    if let Some((name, _)) = prediction.iter().find(|(name, _)| !matches!(*name, "type" | "content")) {
        return Err(unknown(name, ["type", "content"].into_iter()));
    }
    match (prediction.get("type").and_then(Value::as_str), prediction.get("content")) {
        (Some("content"), Some(content)) => messages::check_content(content, "user", "prediction.content"),
        _ => Err(other()),
    }
}
