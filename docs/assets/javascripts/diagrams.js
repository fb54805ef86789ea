// The theme draws diagrams with window.mermaid, and fetches that from another host when it is missing.
// This stand-in is always there: it loads the site's own copy when the first diagram is drawn.
(() => {
  const source = new URL("mermaid.tiny.js", document.currentScript.src)
  const line = "var(--md-mermaid-sequence-message-line-color)"
  // The ids of arrow heads carry a prefix that the theme's own rules do not expect: black on the dark scheme.
  const repairs =
    `[id$="-arrowhead"] path,[id$="-filled-head"] path{fill:${line};stroke:none}` +
    `[id$="-crosshead"] path{stroke:${line}}` +
    ".labelBkg{background:none}" // a grey box around the labels of arrows

  let options = {}
  let library

  const load = () => library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: source })
    script.onload = () => {
      window.mermaid.initialize(options)
      resolve(window.mermaid)
    }
    script.onerror = () => {
      library = undefined
      reject(new Error(`cannot load ${source}`))
    }
    document.head.append(script)
  })

  window.mermaid = {
    initialize({ themeCSS = "", ...others }) {
      options = { ...others, themeCSS: themeCSS + repairs, suppressErrorRendering: true }
    },
    async render(...diagram) {
      return (await load()).render(...diagram)
    },
  }
})()
