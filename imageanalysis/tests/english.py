"""English that is left on a Japanese page: sentences of the catalogue, and words in a row that no catalogue knows."""

import re

from django.conf import settings
from playwright.sync_api import Page

from imageanalysis.tests.catalogue import entries, translations

# Everything that is read out or shown, hidden parts and words that scripts will show included. What is marked as
# English or as no words stays out, and what is Django's: the names of permissions, the icon of the admin's search.
TEXTS = """() => {
    const found = [document.title]
    const data = "script, style, code, kbd, pre, textarea, [lang=en], [translate=no], .selector, [for=searchbar]"
    const isData = (element) => element.closest(data)
    const walk = (root) => {
        for (const element of root.querySelectorAll("*")) {
            if (isData(element)) continue
            for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent)
            found.push(...["aria-label", "title", "placeholder", "alt"].map((name) => element.getAttribute(name) ?? ""))
            found.push(...Object.values(element.dataset).filter((value) => value.includes(" ")))
            if (element.matches("input:is([type=submit], [type=button])")) found.push(element.value)
            if (element.content) walk(element.content)
        }
    }
    walk(document.body)
    return [...new Set(found.map((text) => text.replace(/\\s+/g, " ").trim()))].filter(Boolean)
}"""
# What an operating system or a server said is quoted behind a colon.
QUOTED = re.compile(r": Error \d.*")
WORDS_IN_A_ROW = re.compile(r"(?:\b[A-Za-z][a-z']+,? ){2,}[a-z']+")
ENGLISH = {
    entry["msgid"]
    for entry in entries(settings.BASE_DIR / "locale" / "ja" / "LC_MESSAGES" / "django.po")
    if entry["msgid"] not in translations(entry)
}


def left_in(page: Page) -> list[str]:
    """The English on this page that should have been Japanese."""
    texts: list[str] = page.evaluate(TEXTS)
    # A word in small letters alone may be somebody's name.
    return [
        text
        for text in texts
        if (text in ENGLISH and not text.islower()) or WORDS_IN_A_ROW.search(QUOTED.sub("", text))
    ]
