"""What people do on the dashboard's pages, whichever case they look at."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from support.studio import PASSWORD


def give(page: Page, login: str, password: str = PASSWORD) -> None:
    page.get_by_label("Login").fill(login)
    page.get_by_role("textbox", name="Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_in(page: Page, login: str) -> None:
    give(page, login)
    expect(page.get_by_role("heading", name="Releases")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator(".gl-masthead")).to_have_count(0)


def open_release(page: Page, release: str) -> None:
    page.locator(f".st-key-open-{release} button").click()
    expect(page.locator(".gl-decision")).to_be_visible()


def told(page: Page, sentence: str) -> None:
    expect(page.locator(".gl-notice", has_text=sentence)).to_be_visible()
