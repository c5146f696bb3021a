// Drives openai-node, unmodified, and prints one JSON object of what the program saw.
//
// Base URL and key come from the SDK's own environment variables; nothing else is configured.
// Usage: openai_sdk.mjs SCENARIO [MODEL], with the folder of node_modules in SDK_FOLDER.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.SDK_FOLDER, "package.json"));
const OpenAI = require("openai").default;
const manifest = path.join(process.env.SDK_FOLDER, "node_modules/openai/package.json");
const { version } = JSON.parse(readFileSync(manifest, "utf8"));

const TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city.",
      parameters: {
        type: "object",
        properties: { city: { type: "string" }, notify: { type: "string" } },
        required: ["city"],
      },
    },
  },
];

const client = new OpenAI();
const ask = (content) => [{ role: "user", content }];

const scenarios = {
  async chat(model) {
    const answer = await client.chat.completions.create({ model, messages: ask("hello there") });
    const reach = await client.chat.completions.create({ model, messages: ask("how do I reach the customer?") });
    return {
      text: answer.choices[0].message.content,
      finish: answer.choices[0].finish_reason,
      model: answer.model,
      tokens: answer.usage.total_tokens,
      reach: reach.choices[0].message.content,
    };
  },

  async stream(model) {
    const pieces = [];
    let finish = null;
    let tokens = null;
    const events = await client.chat.completions.create({
      model,
      messages: ask("how do I reach the customer?"),
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const event of events) {
      tokens = event.usage?.total_tokens ?? tokens;
      for (const choice of event.choices) {
        if (choice.delta.content) pieces.push(choice.delta.content);
        finish = choice.finish_reason ?? finish;
      }
    }
    return { text: pieces.join(""), pieces: pieces.length, finish, tokens };
  },

  async tools(model) {
    const messages = ask("what is the weather in Oslo?");
    const answer = await client.chat.completions.create({ model, messages, tools: TOOLS });
    const message = answer.choices[0].message;
    const call = message.tool_calls[0];
    messages.push(message, { role: "tool", tool_call_id: call.id, content: "4 degrees" });
    const last = await client.chat.completions.create({ model, messages, tools: TOOLS });
    return {
      id: call.id,
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments),
      finish: answer.choices[0].finish_reason,
      last: last.choices[0].message.content,
    };
  },

  async "tools-stream"(model) {
    const calls = new Map();
    let finish = null;
    const messages = ask("what is the weather in Oslo?");
    for await (const event of await client.chat.completions.create({ model, messages, tools: TOOLS, stream: true })) {
      for (const choice of event.choices) {
        finish = choice.finish_reason ?? finish;
        for (const delta of choice.delta.tool_calls ?? []) {
          const call = calls.get(delta.index) ?? { id: null, name: null, arguments: "" };
          call.id = delta.id ?? call.id;
          call.name = delta.function?.name ?? call.name;
          call.arguments += delta.function?.arguments ?? "";
          calls.set(delta.index, call);
        }
      }
    }
    const call = calls.get(0);
    return { ...call, arguments: JSON.parse(call.arguments), finish, calls: calls.size };
  },

  async embed(model) {
    const input = ["quarterly revenue by region", "a recipe for apple pie"];
    const byDefault = await client.embeddings.create({ model, input });
    const asFloat = await client.embeddings.create({ model, input, encoding_format: "float" });
    const [one, two] = byDefault.data.map((entry) => Array.from(entry.embedding));
    const other = asFloat.data[0].embedding;
    const product = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
    return {
      count: byDefault.data.length,
      dimensions: one.length,
      difference: Math.max(...one.map((value, index) => Math.abs(value - other[index]))),
      norm: Math.sqrt(product(one, one)),
      similarity: product(one, two),
      tokens: byDefault.usage.total_tokens,
    };
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids: ids.sort() };
  },

  // What a program is told when a call is refused, and how often the SDK tried.
  async refused(model) {
    let tries = 0;
    const counting = new OpenAI({
      maxRetries: 2,
      fetch: (...request) => {
        tries += 1;
        return fetch(...request);
      },
    });
    try {
      await counting.chat.completions.create({ model, messages: ask("hello there") });
    } catch (error) {
      return {
        exception: error.constructor.name,
        status: error.status,
        code: error.code,
        message: error.message,
        request: error.error?.gatewright?.request ?? null,
        rule: error.error?.gatewright?.rule ?? null,
        header: error.headers?.get("x-gatewright-request-id") ?? null,
        tries,
      };
    }
    return { exception: null };
  },
};

const [scenario, model] = process.argv.slice(2);
console.log(JSON.stringify({ version, ...(await scenarios[scenario](model)) }));
