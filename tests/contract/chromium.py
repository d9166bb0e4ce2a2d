"""A real browser: Chromium without a window, driven by Selenium."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
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
        self._driver.get(url)
        return self.page

    @property
    def page(self) -> str:
        return self._driver.title or self._driver.find_element(By.TAG_NAME, "body").text

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
