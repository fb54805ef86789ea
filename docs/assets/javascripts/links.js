/* The page /e/: leads on to the page that the name in its address means, as runbooks/links.py reads it. */
"use strict";

(function (root) {
  /** A name and its page; "" for a name that is none. ``names`` has the more important first;
      `*` in an address stands for the name. */
  function resolve(names, name) {
    const exact = new Map(), lower = new Map();
    for (const [known, address] of names) {
      const page = address.replace("*", known);
      if (!exact.has(known)) exact.set(known, page);
      if (!lower.has(bare(known))) lower.set(bare(known), page);
    }
    const asked = bare(name);
    return exact.get(name) || (asked && (lower.get(asked) || lower.get(`${asked}exception`))) || "";
  }

  /** The page of a name as it stands, else of the last part of it. */
  function lookup(names, name) {
    return resolve(names, name) || resolve(names, last(name));
  }

  function bare(name) {
    return name.toLowerCase().replace(/[^a-z0-9]/g, "");
  }

  /** The last part of a path or of a qualified name. */
  function last(path) {
    return path.replace(/\/+$/, "").replace(/\.(?:html|md|ipynb)$/, "").split(/[/#:.]/).pop().trim();
  }

  if (typeof module === "object" && module.exports) {
    module.exports = { lookup };
    return;
  }
  document.addEventListener("DOMContentLoaded", lead); // when context.js and box.js have run

  function lead() {
    const { known, context } = root.codedeployContext;
    const bares = [...new URLSearchParams(location.search)].filter(([, value]) => !value).map(([key]) => key);
    const asked = bares.find((key) => !known.includes(key)) || bares[0] || ""; // "deployment" is a runbook too
    const fragment = decode(location.hash.slice(1));
    const text = (document.getElementById(fragment) ? "" : fragment) || asked; // a section of this page is not a name
    const page = lookup(JSON.parse(document.getElementById("names").textContent), text);
    const query = new URLSearchParams(context).toString();
    if (page) location.replace(query ? page.replace(/(?=#|$)/, `?${query}`) : page);
    else if (text) {
      const area = document.getElementById("box-text");
      area.value = text;
      area.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste" }));
    }
  }

  function decode(part) {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // a lone %
    }
  }
})(typeof window === "object" ? window : globalThis);
