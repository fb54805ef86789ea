/* What a link carries in its query (instance, Region, deployment, group) fills the commands of a page, as text.
   The patterns are those of runbooks/links.py; a value of another form is ignored. */
"use strict";

(function () {
  const CONTEXT = {
    "instance": "[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}",
    "region": "[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]",
    "deployment": "d-[A-Z0-9]{9}",
    "group": "(?:[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}/)?[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}"
  };

  const context = {};
  for (const [key, value] of new URLSearchParams(location.search)) {
    if (Object.hasOwn(CONTEXT, key) && new RegExp(`^(?:${CONTEXT[key]})$`).test(value)) context[key] = value;
  }
  window.codedeployContext = { context, known: Object.keys(CONTEXT) };
  if (!Object.keys(context).length) return;

  // What stands before a placeholder (or the example) of a command, the placeholder, and the value that fills it.
  const { instance, region, deployment, group = "" } = context;
  const [application, name] = group.includes("/") ? group.split("/") : ["", group];
  const FILLS = [
    [/(--instance[ =])(?:NAME|web-01)\b/g, instance],
    [/(--instance-names?[ =])(?:NAME|web-01)\b/g, instance?.startsWith("i-") ? "" : instance], // of registered ones
    [/(--(?:target-id|instance-ids?)[ =])(?:TARGET_ID|INSTANCE_ID)\b/g, instance],
    [/(--region[ =])REGION\b/g, region],
    [/(\bwhy )DEPLOYMENT\b/g, deployment],
    [/()\bd-EXAMPLE11\b/g, deployment],
    [/(--deployment(?:-id)?[ =])(?:DEPLOYMENT_ID|DEPLOYMENT|ID)\b/g, deployment],
    [/(--deployment-group[ =])APPLICATION\/GROUP\b/g, application && group],
    [/(--deployment-group-name[ =])(?:GROUP|NAME)\b/g, name],
    [/(--application-name[ =])(?:APPLICATION|APP|NAME)\b/g, application],
  ].filter(([, value]) => value);

  for (const code of document.querySelectorAll("article code")) fill(code);

  const settings = region ? `export AWS_REGION=${region} AWS_DEFAULT_REGION=${region}` : "";
  const note = document.createElement("p");
  note.className = "context";
  const about = Object.entries(context).map((pair) => pair.join(" ")).join(", ");
  note.append(`This link is about ${about}; the commands below hold it.`);
  if (settings) {
    const code = document.createElement("code");
    code.textContent = settings;
    note.append(" For those without a Region: ", code);
  }
  document.querySelector("article h1")?.after(note);
  for (const link of document.querySelectorAll("article a[href]")) carry(link);

  /** Replace the blanks of a command where they stand, though colours part it into many elements. */
  function fill(code) {
    const nodes = [], walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) nodes.push(walker.currentNode);
    const text = nodes.map((node) => node.data).join("");
    const found = FILLS.flatMap(([pattern, value]) =>
      [...text.matchAll(pattern)].map((match) => [match.index + match[1].length, match.index + match[0].length, value]));
    for (const [start, end, value] of found.sort((a, b) => b[0] - a[0])) replace(nodes, start, end, value);
  }

  function replace(nodes, start, end, value) {
    let at = 0;
    for (const node of nodes) {
      const stop = at + node.data.length;
      if (stop > start && at < end) {
        const from = Math.max(0, start - at);
        node.replaceData(from, Math.min(end, stop) - at - from, at <= start ? value : "");
        if (at <= start) node.parentElement.classList.add("filled");
      }
      at += stop - at;
      if (at >= end) return;
    }
  }

  /** A link to another page of the site keeps the context. */
  function carry(link) {
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.protocol === "file:" || to.search || link.hasAttribute("download")) return;
    if (to.pathname === location.pathname) return;
    to.search = new URLSearchParams(context);
    link.href = to.href;
  }
})();
