"""Take the picture in the README: the page on InvalidRegistrationStatusException, from the site in site/."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tests.support import ROOT
from tests.support.chromium import chromium, driver

PICTURE = ROOT / "docs" / "assets" / "screenshot.png"
PAGE = "exceptions/InvalidRegistrationStatusException/"


def main() -> None:
    """Write the picture; the site must have been built."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(ROOT / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, driver() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(f"http://127.0.0.1:{server.server_port}/{PAGE}")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURE)
        browser.close()
        server.shutdown()
    print(f"{PICTURE.relative_to(ROOT)}: written")


if __name__ == "__main__":
    main()
