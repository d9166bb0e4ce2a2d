"""A real browser: Chromium without a window, driven by Selenium."""

import base64
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.wait import WebDriverWait

_PATIENCE = 60
"""Seconds."""
_PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver"}
"""Programs, and the Debian packages that have them."""
_OPTIONS = ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu")
"""Root, as whom tests run, gets no sandbox of Chromium's; nothing but the loopback is visited."""


class Chromium:
    """A browser with cookies of its own."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def visit(self, url: str) -> str:
        """The title of the page that comes in the end, or its text where it has none."""
        self.errors()  # those of the page before
        self._driver.get(url)
        return self.page

    @property
    def page(self) -> str:
        return self._driver.title or self._driver.find_element(By.TAG_NAME, "body").text

    @property
    def text(self) -> str:
        """What there is to read."""
        return self._driver.find_element(By.TAG_NAME, "body").text

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self._driver.execute_script(script)

    def until(self, script: str) -> None:
        """Waits until a script returns true."""
        WebDriverWait(self._driver, _PATIENCE).until(lambda _: self.run(script))

    def count(self, selector: str) -> int:
        """How many elements there are of a kind."""
        return len(self._driver.find_elements(By.CSS_SELECTOR, selector))

    def errors(self) -> list[str]:
        """What the console has of errors, such as a violated policy."""
        return [str(each["message"]) for each in self._log("browser") if each["level"] == "SEVERE"]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        driver: Any = self._driver  # which has no types here
        found: list[dict[str, Any]] = driver.get_log(kind)
        return found

    def look(self, width: int, scheme: str) -> None:
        """A window of that width, in pixels, whose user prefers `light` or `dark`."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def tabs(self, count: int) -> list[str]:
        """The text of what has the focus after each press of Tab."""
        found = []
        for _ in range(count):
            ActionChains(self._driver).send_keys(Keys.TAB).perform()
            found.append(str(self.run("return document.activeElement.textContent")))
        return found

    def picture(self) -> bytes:
        """The whole page as a PNG."""
        self.run("document.body.style.animation = 'none'")
        height = self.run("return document.documentElement.scrollHeight")
        clip = {
            "x": 0,
            "y": 0,
            "width": self.run("return innerWidth"),
            "height": height,
            "scale": 1,
        }
        shot = self._driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
        )
        return base64.b64decode(shot["data"])

    @property
    def url(self) -> str:
        return self._driver.current_url

    def cookie(self, name: str) -> dict[str, object]:
        found = self._driver.get_cookie(name)
        assert found, name
        return dict(found)

    def log_in(self, email: str) -> str:
        """Fills in the team's forms, with the code that the page shows; the page that comes then."""
        self._fill("email", email)
        WebDriverWait(self._driver, _PATIENCE).until(url_contains("/login/code"))
        self._fill("code", self._driver.find_element(By.ID, "code").text)
        WebDriverWait(self._driver, _PATIENCE).until_not(url_contains("/login/code"))
        return self.page

    def _fill(self, name: str, text: str) -> None:
        self._driver.find_element(By.NAME, name).send_keys(text)
        self._driver.find_element(By.TAG_NAME, "button").click()


@contextmanager
def running() -> Iterator[Chromium]:
    """A browser that knows nothing yet; without one the test says what to install."""
    programs = {name: shutil.which(name) for name in _PACKAGES}
    if missing := [_PACKAGES[name] for name, path in programs.items() if path is None]:
        reason = f"wants a browser, so this was NOT CHECKED: install {' '.join(missing)}"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for word in _OPTIONS:
        options.add_argument(f"--{word}")
    service = webdriver.ChromeService(executable_path=str(programs["chromedriver"]))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_page_load_timeout(_PATIENCE)
        yield Chromium(driver)
    finally:
        driver.quit()
