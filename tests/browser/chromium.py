"""Debian's Chromium without a screen, and what its pages complain of. It knows no page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page, async_playwright

EXECUTABLE = "/usr/bin/chromium"
# Chromium as root has no sandbox, and what it asks of its makers' servers would never be answered here. WebGL is
# drawn by software, as the machine has no graphics card.
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@dataclass(slots=True)
class Complaints:
    """What went wrong in a page, as its console and its network have it."""

    errors: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Note errors of *page* from now on."""
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "response",
            lambda answer: (
                self.errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        )


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium, and end it after."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
