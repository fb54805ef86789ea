/* A text on one line, with its secrets masked and what acts made visible: the same as runbooks/text/mask.py. */
"use strict";

(function (root) {
  const MASK = "(masked)";
  const NAMED = "(?!(?<=MISSING_GITHUB_)token)(?:secret_?access_?key|secret_?key(?:_base)?|session_?token|security-token|token|secret|passw(?:or)?d|passphrase|(?:api|account|private|master|signing|encryption)[_-]?key)";
  const OPTION = "(?:password|passwd|passphrase|token|secret|(?:api|auth|access|secret)-?(?:key|token))";
  const WORDS = "(?:an?|and|are|as|does|for|has|in|is|needs?|not|of|or|that|the|to|was|which|with)";
  const TOKEN = 16; // characters of a user's name in a URL that are rather a token
  const ACTS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
  // What a runner of CI obeys in a log.
  const COMMAND = /(?<!\S):(?=:[A-Za-z][\w-]*(?:::|\s|$))|#(?=#\w{0,30}\[)/g;
  const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

  const SECRETS = [
    [/(Invalid header value )b?(['"])(?:\\.|(?!\2)[^\\])*\2?/gs, `$1${MASK}`],
    [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, MASK],
    [/\b((?:(?:proxy-)?authorization|(?:set-)?cookie)["']?\s*[:=]\s*["']?)[^"'\s][^"'\r\n]*/gi, `$1${MASK}`],
    [/\b(Bearer|Basic)\s+(?=[\w.~+/-]*[\d=])[\w.~+/=-]{8,}/gi, `$1 ${MASK}`],
    [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"']+/gi, `$1${MASK}`],
    [new RegExp(`((?:\\b|_|(?<=[a-z]))(?:${NAMED})\\\\?["']?\\s*(?:=>|[:=])\\s*(?:[|>]-?\\s+)?(?:\\[std(?:err|out)\\]\\s*)?)(?:(\\\\?["'])[^"']+|[^\\s,;&"'}]+)`, "gi"), `$1$2${MASK}`],
    [/((?:\b|_|(?<=[a-z]))(?<!by)(?:(?:pass|pwd)=|pass:(?!\d+\b)))(?:(\\?["'])(?![/$\s])[^"']+|(?![/$\s])[^\s,;&"'}]+)/gi, `$1$2${MASK}`],
    [new RegExp(`(?<!\\S)(--?(?:[\\w-]{0,30}-)?${OPTION} )(?!-|${WORDS}\\b)(["'])?[^\\s"']+`, "gi"), `$1$2${MASK}`],
    [/(<\w{0,30}(?:password|passwd|secret|token|api_?key)>)[^<]+/gi, `$1${MASK}`],
    [/(\b(?:curl|wget)\b[^\n]{0,200}?\s(?:-u|-U|--user|--proxy-user)[ =]?["']?[\w.@-]{1,60}:)[^\s"']+/g, `$1${MASK}`],
    [/(\bmysql(?:dump|admin)?\b[^\n]{0,200}?\s-p)[^\s]+/g, `$1${MASK}`],
    [/\b((?:passw(?:or)?d|passphrase|pwd) (?:is |was )?)(["'])?(?=[^\s"']*\d)(?=[^\s"']*[a-z])[^\s"']{6,}/gi, `$1$2${MASK}`],
    [/(?<![\w-])(?:gh[pousr]_\w{4}|github_pat_\w{4}|glpat-[\w-]{4}|xox[a-z]-|xapp-)[\w-]+/g, MASK],
    [/\b(?:sk|rk)_(?:live|test)_\w{4,}/g, MASK],
    [/(hooks\.slack\.com\/\w{1,20}\/)[\w/]+/g, `$1${MASK}`],
    [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, MASK],
    [/(?<![\w/+=-])(?:IQoJ|FwoG|FQoG|AQoD)[\w/+=%-]+/g, MASK],
    [/(?<![A-Z0-9])((?:AKIA|ASIA)[A-Z0-9]{2})[A-Z0-9]{8,}([A-Z0-9]{2})(?![A-Z0-9])/g, "$1…$2"],
    [/(?<![\w/+=-])(?<!\d{12}:)(?=[\w/+]*[A-Z])(?=[\w/+]*[a-z])(?=[\w/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=])/g, MASK],
    [/(?<![\w/+=-])[\w/+=-]{41,}/g, longRun],
    [/(?<!\w)\w{1,30}:\/\/[^\s"'<>]+/g, inAddress],
  ];

  function longRun(found) {
    return (found.match(/[A-Za-z0-9]{28,}/g) || []).some(looksRandom) ? MASK : found;
  }

  function looksRandom(run) {
    return run !== run.toLowerCase() && run !== run.toUpperCase() && run.match(/\d/g)?.length > 1;
  }

  /** A password in a URL: from the colon behind the user to the last "@". */
  function inAddress(found) {
    const start = found.indexOf("://") + 3, at = found.lastIndexOf("@");
    const colon = found.indexOf(":", start);
    if (at - start >= TOKEN && (colon < 0 || colon > at)) return `${found.slice(0, start)}${MASK}${found.slice(at)}`;
    return at < start || colon < 0 || colon > at ? found : `${found.slice(0, colon)}:${MASK}${found.slice(at)}`;
  }

  function plain(text) {
    return SECRETS.reduce((line, [pattern, instead]) => line.replace(pattern, instead), text).replace(ACTS, visible).replace(COMMAND, "$& ");
  }

  function visible(character) {
    const code = character.codePointAt(0), hex = code.toString(16);
    if (code < 256) return ESCAPES[character] || `\\x${hex.padStart(2, "0")}`;
    return code < 65536 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  }

  if (typeof module === "object" && module.exports) module.exports = { plain };
  else root.codedeployMask = { plain };
})(typeof window === "object" ? window : globalThis);
