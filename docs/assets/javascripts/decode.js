/* Recognises any pasted text: the same as runbooks/decoder/match.py, of the same errors.json. Nothing leaves the page. */
"use strict";

(function (root) {
  const LAST = 20, WELL = 2, WORD = 200, BEFORE = 600, AFTER = 1400, NEAR = 300, AROUND = 6000, WRAPPED = 20000, LINE = 2000, FOLDED = 20000, SENTENCE = 3, OUTPUT = "LifecycleEvent - ";
  const LINES = /\r\n|[\r\u0085\u2028\u2029]/g;
  const BLANKS = /[\u000b\u000c\u001c-\u001f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]/g;
  const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/g;

  /** What `load` gives: the entries, the words that lead to them, and how a text is read. */
  function load(document) {
    const entries = new Map(), names = new Map(), items = new Map(), folded = new Map(), lower = new Map();
    for (const row of document.entries) {
      const log = row.log || {};
      const entry = {
        title: "", says: "", do: "", tag: "X", general: 0, needs: "", guide: "", runbook: "",
        codes: [], checks: [], like: [], operations: [], when: [], ...row,
        severity: log.severity || "", sticks: Boolean(log.sticks),
      };
      entries.set(entry.name, entry);
      if (entry.name.includes("-") && !names.has(entry.name)) names.set(entry.name, [entry, entry.name]);
      for (const code of entry.codes) {
        names.set(code, [entry, code]);
        if (entry.kind === "exception" && !lower.has(code.toLowerCase())) lower.set(code.toLowerCase(), [entry, code]);
      }
      for (const given of row.match || []) {
        const item = { entry, pattern: given.re, needs: given.needs || "", weak: Boolean(given.weak), note: given.note || "" };
        for (const word of given.words) {
          add(items, word, item);
          if (!item.weak) add(folded, word.toLowerCase(), item);
        }
      }
    }
    for (const [code, found] of lower) if (!names.has(code)) names.set(code, found);
    const shapes = new Set([...names.keys(), ...items.keys()].map((word) => word.charCodeAt(0) * 256 + word.length));
    return { entries, names, items, folded, shapes, grammar: document.grammar, patterns: { m: new Map(), gm: new Map(), im: new Map(), gim: new Map() } };
  }

  function add(map, word, item) {
    if (!map.has(word)) map.set(word, []);
    map.get(word).push(item);
  }

  /** What is known of `text`, the most likely first. Never throws for any text. */
  function decode(index, given) {
    const text = normal(given);
    const rest = withoutPassed(index, text);
    const exact = hits(index, text);
    const all = exact.length ? exact : inOtherLetters(index, text);
    const failed = all.filter((hit) => rest.slice(hit.start, hit.end).trim());
    const found = failed.length ? failed : all; // of what passed, only where nothing failed
    const strong = found.filter((hit) => !hit.weak);
    let kept = strong.length ? strong : found;
    kept.sort((a, b) => a.rank - b.rank || a.entry.general - b.entry.general || a.named - b.named || b.end - a.end);
    const seen = new Set();
    kept = kept.filter((hit) => !seen.has(hit.name) && seen.add(hit.name));
    kept = standing(kept.filter((hit) => !covered(hit, kept, text)));
    const operation = operationOf(index, text);
    const foreign = kept.filter((hit) => foreignService(index, hit, text));
    kept = kept.filter((hit) => !foreign.includes(hit));
    const fields = fieldsOf(index, rest, kept);
    return {
      known: kept.map((hit) => known(index, hit, text, rest)),
      operation,
      note: notes(index, kept, foreign, operation, text, rest).join(" "),
      near: kept.length || Object.keys(fields).length ? [] : near(index, text),
      fields,
      commands: commandsOf(index, fields),
    };
  }

  function normal(text) {
    return unwrapped(text.replace(LINES, "\n").replace(ASTRAL, "\ufffd").replace(BLANKS, " "));
  }

  function unwrapped(text) {
    if (text.length > WRAPPED) return text;
    const lines = text.split("\n");
    const width = Math.max(...lines.map((line) => line.length));
    const full = lines.filter((line) => line.length === width).length;
    if (width < 60 || width > 250 || full < 3 || full * 2 < lines.length) return text;
    return lines.map((line) => (line.length === width ? line : line + "\n")).join("");
  }

  function compiled(index, pattern, flags = "m") {
    const made = index.patterns[flags].get(pattern) || new RegExp(pattern.replaceAll("␠", index.grammar.blank), flags);
    index.patterns[flags].set(pattern, made);
    made.lastIndex = 0;
    return made;
  }

  function hits(index, text) {
    const places = new Map(), found = [];
    const constants = text.includes("ErrCode") || text.includes("CodeDeployErrors::"); // what Go and C++ call an error
    eachWord(index, text, constants, (word, start) => {
      for (const item of index.items.get(word) || []) remember(places, item, start);
      remember(places, word, start);
    });
    if (text.length < WORD && !places.has(text.trim())) remember(places, text.trim(), text.indexOf(text.trim()));
    for (const [thing, all] of places) {
      const starts = all.slice(-LAST);
      if (typeof thing === "string") found.push(...named(index, thing, starts, text));
      else found.push(...sentence(index, thing, starts, text));
    }
    return found;
  }

  /** Every sentence of the index that stands in the text in other letters, as in a title that is all capitals. */
  function inOtherLetters(index, text) {
    const places = new Map();
    if (text.length >= FOLDED) return [];
    eachWord(index, text, true, (word, start) => {
      for (const item of index.folded.get(word.toLowerCase()) || []) remember(places, item, start);
    });
    return [...places].flatMap(([item, all]) => sentence(index, item, all.slice(-LAST), text, "im"));
  }

  /** Each word that may mean something, read by its characters: a regular expression is three times slower. */
  function eachWord(index, text, all, take) {
    const { shapes } = index;
    for (let i = 0, length = text.length; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === 92) {
        // an escape that JSON glues to a word
        let j = i + 1;
        while (text.charCodeAt(j) === 92) j += 1;
        i = "nrt".includes(text[j] || " ") ? j : j - 1;
      } else if (isWord(code)) {
        const start = i;
        while (isWord(text.charCodeAt(i + 1))) i += 1;
        const size = i + 1 - start;
        if (all || shapes.has(code * 256 + size)) take(text.slice(start, i + 1), start);
      }
    }
  }

  function isWord(code) {
    return (code > 47 && code < 58) || (code > 64 && code < 91) || code === 95 || (code > 96 && code < 123);
  }

  function remember(places, thing, start) {
    const starts = places.get(thing);
    if (!starts) places.set(thing, [start]);
    else if (starts[starts.length - 1] !== start) {
      starts.push(start);
      if (starts.length > 4 * LAST) starts.splice(0, starts.length - LAST);
    }
  }

  /** Whether the text is this word and nothing else, or this word under the label of an error code. */
  function isAlone(index, word, text) {
    if (text.length >= WORD || text.trim() === word) return text.length < WORD;
    const labelled = compiled(index, index.grammar.labelled).exec(text);
    return Boolean(labelled && labelled[0] === text && labelled[1] === word);
  }

  /** The entry of a code and the code as it is spelt, where `word` is one. */
  function entryOf(index, word, before, alone) {
    const { names } = index;
    const low = word.toLowerCase();
    if (names.has(word)) return names.get(word);
    if (word.startsWith("ErrCode")) return names.get(word.slice(7));
    if (before.endsWith("CodeDeployErrors::")) return names.get(low.replaceAll("_", "") + "exception");
    return alone ? names.get(low) || names.get(low + "exception") || names.get(word.toUpperCase()) : undefined;
  }

  function named(index, word, starts, text) {
    const { grammar } = index, found = [];
    const alone = isAlone(index, word, text);
    for (const start of starts) {
      const end = start + word.length;
      const before = (start > 200 ? "" : "\n") + text.slice(Math.max(0, start - 200), start);
      const meant = entryOf(index, word, before, alone);
      if (!meant || compiled(index, grammar.elsewhere).test(before)) continue;
      const [entry, name] = meant;
      const after = text.slice(end, end + 40);
      const opens = compiled(index, grammar.opens).test(before) && compiled(index, grammar.closes).test(after);
      const own = alone || compiled(index, grammar.leads).test(before) || opens || compiled(index, grammar.named).test(after);
      if (entry.needs && !alone && !inContext(index, entry.needs, start, text)) continue;
      // A code that is also a plain word, such as TIMEOUT, is taken for one only where an error stands.
      if (!own && /^(?:[A-Z][a-z]+|[A-Z]+)$/.test(name)) continue;
      found.push({ entry, name: shown(entry, name), rank: own ? 0 : 1, start, end, named: 0, weak: index.grammar.good.includes(name), note: "" });
    }
    return found;
  }

  function shown(entry, code) {
    return entry.kind === "refusal" ? code : entry.name;
  }

  function sentence(index, item, starts, text, flags = "m") {
    for (const start of starts.slice().reverse()) {
      const low = lineStart(text, start);
      const part = text.slice(low, start + AFTER);
      const found = [...part.matchAll(compiled(index, item.pattern, `g${flags}`))].find((each) => low + each.index + each[0].length > start);
      if (!found) continue;
      if (flags === "im" && found[0].trim().split(/\s+/).length < SENTENCE) continue;
      const begin = low + found.index, entry = item.entry;
      let weak = item.weak;
      if (item.needs && !inContext(index, item.needs, begin, text, flags)) {
        if (item.needs !== "agent") continue;
        weak = true;
      }
      const rank = { healthy: WELL, note: 1 }[entry.severity] || 0;
      const name = shown(entry, entry.codes.length ? entry.codes[0] : entry.name);
      return [{ entry, name, rank, start: begin, end: begin + found[0].length, named: 1, weak, note: item.note }];
    }
    return [];
  }

  function lineStart(text, at) {
    const low = Math.max(0, at - BEFORE);
    return low ? low + text.slice(low, at).indexOf("\n") + 1 : 0;
  }

  function inContext(index, name, at, text, flags = "m") {
    const pattern = compiled(index, index.grammar.contexts[name], flags);
    if (name !== "agent") return pattern.test(text.slice(Math.max(0, at - AROUND), at + AROUND));
    const low = lastLine(text, at, LINE);
    const line = text.slice(low, lineEnd(text, at, low + LINE));
    return pattern.test(line) && !compiled(index, index.grammar.not_agent).test(line);
  }

  /** Where the line begins that holds a place, or so far before it as `most`: a text of one line is never read whole. */
  function lastLine(text, at, most) {
    const low = Math.max(0, at - most);
    return low + text.slice(low, at).lastIndexOf("\n") + 1;
  }

  /** Where the line ends that holds a place, or `most`. */
  function lineEnd(text, at, most) {
    const line = text.slice(at, most).indexOf("\n");
    return line < 0 ? Math.min(text.length, Math.max(at, most)) : at + line;
  }

  function standing(found) {
    const polls = found.filter((hit) => hit.rank === WELL);
    const well = Math.max(-1, ...polls.map((hit) => hit.end));
    const stays = found.filter(
      (hit) => hit.rank !== WELL && (!hit.entry.severity || hit.entry.sticks || hit.end > well),
    );
    return stays.length ? stays : polls;
  }

  function covered(hit, found, text) {
    for (const other of found) {
      if (other.rank || other.entry.general >= hit.entry.general) continue;
      if (other.start <= hit.end && hit.start <= other.end) return true;
      const gap = text.slice(Math.min(hit.end, other.end), Math.max(hit.start, other.start));
      if (gap.length <= NEAR && !gap.includes("\n")) return true;
    }
    return false;
  }

  function foreignService(index, hit, text) {
    const { entry } = hit, { grammar } = index;
    const around = text.slice(Math.max(0, hit.start - NEAR), hit.end + NEAR);
    const all = (pattern) => [...around.matchAll(compiled(index, pattern, "gm"))].map((m) => m[1]);
    const refused = entry.kind === "refusal" ? all(grammar.refused) : [];
    if (refused.length && !inContext(index, "codedeploy", hit.start, text)) return refused[refused.length - 1];
    if (!entry.shared) return "";
    const services = grammar.service.flatMap(all);
    if (services.some((service) => service.toLowerCase().includes("codedeploy"))) return "";
    if (services.length) return services[services.length - 1];
    const operation = operationOf(index, around);
    return !operation || grammar.operations.includes(operation) ? "" : `another service (${operation})`;
  }

  function operationOf(index, text) {
    let last = [-1, ""];
    for (const pattern of index.grammar.operation) {
      for (const found of text.matchAll(compiled(index, pattern, "gm"))) {
        const end = found.index + found[0].length;
        if (end > last[0] || (end === last[0] && found[1] > last[1])) last = [end, found[1]];
      }
    }
    return last[1];
  }

  function notes(index, kept, foreign, operation, text, rest) {
    const { grammar } = index;
    const said = foreign.map((hit) => `${hit.name} is here an error of ${foreignService(index, hit, text)}, not of CodeDeploy.`);
    if (!kept.length) return said;
    const top = kept[0], entry = top.entry;
    if (top.note) said.push(top.note);
    if (entry.kind === "exception" && operation && !entry.any) {
      if (!grammar.operations.includes(operation)) {
        said.push(`${operation} is not an operation of CodeDeploy: another service means something else by ${top.name}.`);
      } else if (!entry.operations.includes(operation)) {
        const declared = entry.operations.join(", ") || "no operation";
        said.push(`AWS's model does not declare ${top.name} for ${operation}, only for ${declared}: read the line again.`);
      }
    }
    const record = recordOf(index, rest, top);
    const events = grammar.fields.event.some((pattern) => compiled(index, pattern).test(record));
    const around = events ? record : slice(rest, top);
    for (const remark of grammar.remarks) {
      if (remark.of.includes(top.name) && compiled(index, remark.when).test(around)) said.push(remark.says);
    }
    return said;
  }

  function known(index, hit, text, rest) {
    const { entry } = hit;
    return {
      name: hit.name, kind: entry.kind, says: entry.says, do: whatToDo(index, entry, recordOf(index, rest, hit), slice(rest, hit)), tag: entry.tag,
      page: entry.page, checks: entry.checks, runbook: entry.runbook, operations: entry.operations,
      seen: seenIn(hit, text), title: entry.title || hit.name, guide: entry.guide, like: entry.like,
    };
  }

  function whatToDo(index, entry, record, around) {
    const those = (part) => entry.when.filter((row) => compiled(index, row.text).test(part));
    const own = those(record), fitting = own.length ? own : those(around);
    const instead = fitting.filter((row) => "do" in row).map((row) => row.do);
    const also = fitting.filter((row) => "also" in row).map((row) => row.also);
    return [instead.length ? instead[0] : entry.do, ...also].join(" ");
  }

  function withoutPassed(index, text) {
    return index.grammar.passed.reduce((left, pattern) =>
      left.replace(compiled(index, pattern, "gm"), (found) => found.replace(/[^\n]/g, " ")), text);
  }

  function recordOf(index, text, hit) {
    const start = Math.max(0, hit.start - AROUND), end = Math.min(text.length, hit.end + AROUND);
    const begins = new Map([...text.slice(start, end).matchAll(compiled(index, index.grammar.record, "gm"))]
      .map((found) => [start + found.index, found[0] === OUTPUT]));
    const places = [...begins.keys()], before = places.filter((place) => place <= hit.start);
    const first = before.length ? before[before.length - 1] : start, after = places.filter((place) => place > hit.end);
    if (after.length && begins.get(after[0]) && !begins.get(first)) after.shift();
    return text.slice(first, after.length ? after[0] : end);
  }

  function slice(text, hit) {
    return text.slice(Math.max(0, hit.start - AROUND), hit.end + AROUND);
  }

  function seenIn(hit, text) {
    const line = lastLine(text, hit.start, 81);
    const start = Math.max(line, hit.start - 80);
    const stop = Math.min(lineEnd(text, hit.start, hit.start + 240), Math.max(hit.end, hit.start + 100) + 60);
    let seen = text.slice(start, stop);
    if (start > line && seen.slice(0, 40).includes(" ")) seen = seen.slice(seen.indexOf(" ") + 1);
    if (stop < text.length && !" \n".includes(text[stop]) && seen.slice(-40).includes(" ")) {
      seen = seen.slice(0, seen.lastIndexOf(" "));
    }
    return seen.trim();
  }

  function fieldsOf(index, text, kept) {
    const record = kept.length ? recordOf(index, text, kept[0]) : "";
    const around = kept.length ? text.slice(Math.max(0, kept[0].start - 20000), kept[0].end + 20000) : text.slice(0, 40000);
    const fields = {};
    for (const [name, patterns] of Object.entries(index.grammar.fields)) {
      for (const pattern of patterns) {
        const inRecord = [...record.matchAll(compiled(index, pattern, "gm"))];
        const values = inRecord.length ? inRecord : [...around.matchAll(compiled(index, pattern, "gm"))];
        if (values.length) {
          fields[name] = values[values.length - 1][1];
          break;
        }
      }
    }
    if (Object.keys(fields).length || kept.length) return fields;
    const word = text.replace(/^[ \n]+|[ \n]+$/g, "");
    for (const [name, pattern] of Object.entries(index.grammar.alone)) {
      if (!word.includes("\n") && compiled(index, `^(?:${pattern})$`).test(word)) fields[name] = word;
    }
    return fields;
  }

  function commandsOf(index, fields) {
    const made = [];
    for (const command of index.grammar.commands) {
      const blanks = [...command.matchAll(/\{([\w ]+)\}/g)].map((m) => m[1]);
      if (!blanks.every((blank) => blank in fields)) continue;
      const filled = blanks.reduce((line, blank) => line.replace(`{${blank}}`, () => fields[blank]), command);
      made.push(filled + ("region" in fields ? ` --region ${fields.region}` : ""));
    }
    return made;
  }

  function near(index, text) {
    const word = text.trim().toLowerCase();
    if (!/^[A-Za-z0-9_]{4,80}$/.test(word)) return [];
    const given = pieces(word);
    const spelt = [...new Set([...index.names.values()].map((found) => found[1]))];
    const scored = spelt.map((name) => {
      const other = pieces(name.toLowerCase());
      const shared = [...given].filter((piece) => other.has(piece)).length;
      return [(2 * shared) / (given.size + other.size || 1), name];
    });
    scored.sort((a, b) => b[0] - a[0] || (a[1] < b[1] ? -1 : 1));
    return scored.slice(0, 3).filter((row) => row[0] >= 0.6).map((row) => row[1]);
  }

  function pieces(word) {
    const made = new Set();
    for (let i = 0; i + 3 <= word.length; i += 1) made.add(word.slice(i, i + 3));
    return made;
  }

  const decoder = { load, decode };
  if (typeof module === "object" && module.exports) module.exports = decoder;
  else root.codedeployDecoder = decoder;
})(typeof window === "object" ? window : globalThis);
