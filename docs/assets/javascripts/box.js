/* The box that explains a pasted text. What it needs is loaded from this site when the box is first used, and nothing
   leaves the browser. What stands in a text is only ever shown as text. */
"use strict";

(function () {
  const IN_THE_BOX = 20000; // characters; a longer text is read whole, and the box shows its beginning
  const MOST = 10_000_000; // bytes of a file; of a longer one the end is read
  const TYPING = 250; // milliseconds after the last key

  const root = new URL("../../", document.currentScript.src);
  const box = document.getElementById("box");
  const area = box.querySelector("textarea");
  const file = box.querySelector("input");
  const status = box.querySelector(".box-status");
  const answer = box.querySelector(".box-answer");

  // Loading

  let loading;

  /** The decoder and its data, loaded once. A script, since a page that is read from a disk may not fetch. */
  function ready() {
    loading ??= Promise.all(["decode.js", "mask.js", "errors.js"].map(script)).then(() => {
      const { codedeployDecoder: decoder, codedeployMask: { plain }, codedeployErrors: data } = window;
      const index = decoder.load(data.document);
      decoder.decode(index, "codedeploy-agent ERROR d-ABCDEF123"); // so that the first paste is not the first run
      return { decoder, plain, data, index };
    });
    loading.catch(() => (loading = undefined));
    return loading;
  }

  function script(name) {
    return new Promise((resolve, reject) => {
      const made = Object.assign(document.createElement("script"), { src: new URL(`assets/javascripts/${name}`, root) });
      made.onload = resolve;
      made.onerror = () => reject(new Error(name));
      document.head.append(made);
    });
  }

  // Reading

  let asked = 0;

  /** Explain a text, and show the answer unless something else was asked meanwhile. */
  async function explain(text, remark = "") {
    const mine = (asked += 1);
    if (!text.trim()) return show("", []);
    try {
      const tools = await ready();
      if (mine !== asked) return;
      const found = tools.decoder.decode(tools.index, text);
      show(remark + summary(found), blocks(tools, found));
    } catch {
      show("What explains texts could not be loaded. In a terminal, `runbooks explain` gives the same answer.", []);
    }
  }

  function show(said, parts) {
    status.textContent = said;
    answer.replaceChildren(...parts);
  }

  /** Put a text into the box and explain all of it, though the box shows only its beginning. */
  function take(text, remark = "") {
    area.value = text.slice(0, IN_THE_BOX);
    const cut = text.length > IN_THE_BOX;
    const length = text.length.toLocaleString("en");
    return explain(text, remark + (cut ? `All ${length} characters were read; the box shows the first ${IN_THE_BOX.toLocaleString("en")}. ` : ""));
  }

  async function takeFile(given) {
    const part = given.size > MOST ? given.slice(-MOST) : given;
    try {
      const cut = given.size > MOST ? `Only the last ${MOST / 1_000_000} MB of the file were read. ` : "";
      await take(textOf(new Uint8Array(await part.arrayBuffer())), cut);
    } catch {
      show("The file could not be read.", []);
    }
  }

  /** The text of any bytes: UTF-8, or UTF-16 and UTF-32 by their mark or their zeros, as `runbooks explain` reads them. */
  function textOf(bytes) {
    const head = bytes.subarray(0, 4096);
    const zeros = (from) => head.filter((byte, place) => place % 2 === from && byte === 0).length > head.length / 3;
    const starts = (...mark) => mark.every((byte, place) => head[place] === byte);
    const wide = starts(0xff, 0xfe) || starts(0, 0, 0xfe, 0xff) || starts(0xfe, 0xff) || zeros(0) || zeros(1);
    if (!wide) return new TextDecoder().decode(bytes);
    const big = starts(0, 0, 0xfe, 0xff) || starts(0xfe, 0xff) || (!starts(0xff, 0xfe) && !zeros(1));
    const text = new TextDecoder(big ? "utf-16be" : "utf-16le").decode(bytes);
    return starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff) ? text.replaceAll("\0", "") : text;
  }

  // Showing

  /** An element; a string among its parts is text, whatever it holds. */
  function element(name, properties, ...parts) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...parts);
    return made;
  }

  /** The parts of a sentence in which commands stand between backticks. */
  function prose(text) {
    return text.split(/`([^`]+)`/).map((part, place) => (place % 2 ? element("code", {}, part) : part));
  }

  /** The address of a page of this site, as this build writes it. */
  function address(page) {
    const [path, anchor] = page.split("#");
    return new URL(path.slice(1).replace(/\/$/, box.dataset.suffix) + (anchor ? `#${anchor}` : ""), root).href;
  }

  function summary(found) {
    const count = found.known.length;
    if (!count) return found.commands.length ? "No known error. The command below asks about what the text names." : "Nothing in this text is known.";
    return count === 1 ? "One answer." : `${count} answers, the most likely first.`;
  }

  function blocks(tools, found) {
    const { data, index } = tools;
    const shown = found.known.slice(0, data.shown);
    const parts = shown.map((known, place) => answerOf(tools, known, place ? [] : commandsOf(tools, found)));
    if (!shown.length) {
      parts.push(element("p", {}, ...prose(found.commands.length ? index.grammar.asked : index.grammar.nothing)));
      if (found.commands.length) parts.push(commandBlock(commandsOf(tools, found)));
    }
    if (found.near.length) {
      const links = found.near.map((name) => [name, index.names.get(name)[0].page]);
      parts.push(element("p", {}, "Did you mean ", ...linked(links, " or "), "?"));
    }
    const remarks = found.note ? [found.note] : [];
    const rest = found.known.slice(data.shown).map((known) => known.name);
    if (rest.length) remarks.push(`Also in it: ${rest.join(", ")}.`);
    const named = Object.entries(found.fields).map(([name, value]) => `${name} ${tools.plain(value)}`);
    if (named.length) remarks.push(`The text names ${named.join(", ")}.`);
    parts.push(...remarks.map((remark) => element("p", {}, ...prose(remark))));
    if (shown.length) parts.push(copyButton("Copy for the ticket", () => ticket(tools, found)));
    return parts;
  }

  function answerOf(tools, known, commands) {
    const { data, index } = tools;
    const source = known.kind === "exception" ? "AWS's words" : data.sources[known.tag];
    const is = known.says ? `${known.says} (${source})` : "AWS describes it nowhere.";
    const parts = [
      element("h2", {}, element("a", { href: address(known.page) }, known.title)),
      element("p", { className: "box-kind" }, known.title === known.name ? "" : `${known.name}, `, index.grammar.kinds[known.kind]),
      element("p", {}, element("strong", {}, ...prose(known.do))),
      element("p", {}, ...prose(is)),
    ];
    if (known.seen) parts.push(element("p", { className: "box-seen" }, "Seen: ", element("code", {}, tools.plain(known.seen))));
    if (commands.length) parts.push(commandBlock(commands));
    const links = linksOf(data, known);
    if (links.length) parts.push(element("p", {}, "More: ", ...linked(links, ", ")));
    return element("section", {}, ...parts);
  }

  function linked(links, between) {
    return links.flatMap(([name, page], place) => [place ? between : "", element("a", { href: address(page) }, name)]);
  }

  function linksOf(data, known) {
    const links = known.checks.map((id) => [id, `/checks/${data.checks[id]}/#${id}`]);
    if (known.runbook) links.push([`runbook ${known.runbook}`, `/runbooks/${known.runbook}/`]);
    if (known.guide) links.push([known.guide.split("/")[2].replaceAll("-", " "), known.guide]);
    return links;
  }

  /** The commands that go on from here, filled in as far as the text says. */
  function commandsOf(tools, found) {
    const first = found.known.find((known) => known.checks.length);
    return [...found.commands, ...(first ? diagnose(tools, first.checks, found.fields) : [])];
  }

  function diagnose({ data }, checks, { instance = "NAME", deployment = "DEPLOYMENT", group = "", region }) {
    const named = { "--instance NAME": `--instance ${instance}`, DEPLOYMENT: deployment };
    if (group) named["APPLICATION/GROUP"] = group;
    const subjects = [...new Set(checks.map((id) => data.subjects[id]))].filter(Boolean).sort();
    const words = ["runbooks diagnose", ...subjects.map((subject) => named[subject] || subject)];
    if (group && !subjects.includes("APPLICATION/GROUP")) words.push(`--deployment-group ${group}`);
    words.push(...checks.map((id) => `--check ${id}`));
    if (region) words.push(`--region ${region}`);
    return [words.join(" ")];
  }

  function commandBlock(commands) {
    const text = commands.join("\n");
    return element("div", { className: "box-commands" },
      element("pre", {}, element("code", {}, text)), copyButton("Copy", () => text));
  }

  function ticket(tools, found) {
    const [first, ...others] = found.known;
    const named = Object.entries(found.fields).map(([name, value]) => `${name} ${tools.plain(value)}`);
    const code = first.title === first.name ? "" : ` (${first.name})`;
    return [
      `CodeDeploy: ${first.title}${code}`,
      `What it is: ${first.says || "AWS describes it nowhere."}`,
      `What to do: ${first.do}`,
      first.seen && `Seen: ${tools.plain(first.seen)}`,
      found.note && `Note: ${found.note}`,
      named.length && `The text names: ${named.join(", ")}`,
      others.length && `Also possible: ${others.slice(0, tools.data.shown).map((known) => known.title).join("; ")}`,
      ...commandsOf(tools, found).map((command) => `Next: ${command}`),
      `Page: ${address(first.page)}`,
      "",
    ].filter((part) => part || part === "").join("\n");
  }

  function copyButton(label, textOfIt) {
    const button = element("button", { type: "button", className: "md-button" }, label);
    button.addEventListener("click", async () => {
      const text = textOfIt();
      status.textContent = (await copied(text)) ? "Copied." : "This browser does not let a page copy: select the text instead.";
    });
    return button;
  }

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // a page that came without TLS, or from a disk, has no clipboard but this
      const held = element("textarea", { value: text });
      document.body.append(held);
      held.select();
      const done = document.execCommand("copy");
      held.remove();
      return done;
    }
  }

  // Events

  let typing;
  area.addEventListener("input", (event) => {
    clearTimeout(typing);
    const atOnce = event.inputType !== "insertText" && !`${event.inputType}`.startsWith("delete");
    if (atOnce) explain(area.value);
    else typing = setTimeout(() => explain(area.value), TYPING);
  });
  area.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") || "";
    if (text.length <= IN_THE_BOX) return; // the browser puts it in
    event.preventDefault();
    clearTimeout(typing);
    take(text);
  });
  for (const type of ["focusin", "pointerenter", "dragenter"]) box.addEventListener(type, () => ready().catch(() => {}), { once: true });
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    const given = event.dataTransfer.files[0];
    if (given) takeFile(given);
    else take(event.dataTransfer.getData("text/plain"));
  });
  file.addEventListener("change", () => file.files[0] && takeFile(file.files[0]));
  box.addEventListener("submit", (event) => event.preventDefault());

  if (area.value) explain(area.value); // kept by the browser on the way back
})();
