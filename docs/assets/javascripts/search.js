// Runs before the theme's script, and changes three things of its search.
// It costs nothing until it is opened: the worker and the index are a third of a page's weight.
// It finds what is pasted: the text of an error is full of characters that are operators to the index.
// It knows what is pasted: what the box would say of a text leads to the page of that title.
(() => {
  const QUERY = 2 // the theme's message to the worker: "search for this"
  const INPUT = ".md-search__input"

  const opened = new Promise(resolve => {
    for (const type of ["focusin", "change"])
      addEventListener(type, ({ target }) => target.matches?.(`${INPUT}, #__search`) && resolve())
  })

  // The index waits, and with it the message that sets the worker up.
  const { open, send } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (method, url, ...others) {
    this.waits = `${url}`.endsWith("/search/search_index.json")
    open.call(this, method, url, ...others)
  }
  XMLHttpRequest.prototype.send = function (...body) {
    if (this.waits) opened.then(() => send.apply(this, body))
    else send.apply(this, body)
  }

  // An error's name says more than the sentence around it: with one in the text, search for that alone.
  const clean = text => {
    const words = [...new Set(text.match(/[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*/gu))]
    const names = words.filter(word => /.(exception|error|fault)$/i.test(word))
    return (names.length ? names : words).slice(0, 30).join(" ")
  }

  const FEW = 3 // words, which are typed rather than pasted
  const here = document.currentScript.src
  const script = name => new Promise((resolve, reject) => {
    const made = Object.assign(document.createElement("script"), { src: new URL(name, here), onload: resolve, onerror: reject })
    document.head.append(made)
  })

  // The recogniser, loaded for the first text that is longer than that; without it the words are searched for.
  let loading
  const titleOf = async text => {
    loading ??= Promise.all(["decode.js", "errors.js"].map(script)).then(() => {
      const { codedeployDecoder: decoder, codedeployErrors: data } = window
      const index = decoder.load(data.document)
      return given => decoder.decode(index, given).known[0]?.title
    })
    return loading.then(title => title(text), () => "")
  }

  const query = async text => clean(text.trim().split(/\s+/).length > FEW && await titleOf(text) || text)

  const Native = window.Worker
  window.Worker = class extends EventTarget {
    constructor(...source) {
      super()
      this.source = source
    }

    postMessage(message) {
      this.worker ??= this.start()
      if (message.type !== QUERY) return this.worker.postMessage(message)
      const mine = this.asked = (this.asked ?? 0) + 1
      query(message.data).then(data => mine === this.asked && this.worker.postMessage({ ...message, data }))
    }

    start() {
      const worker = new Native(...this.source)
      worker.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })))
      return worker
    }
  }

  // The theme listens to the keyboard only: what the mouse pastes would not be searched for.
  addEventListener("input", ({ target }) => target.matches?.(INPUT) && target.dispatchEvent(new Event("keyup")))
})()
