"""The HTML report in a real browser: it makes no requests, shows every run, and hostile texts stay texts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.html import page
from harness.results.archive import Results
from harness.trace.events import Response
from tests.reports.browser import Page
from tests.reports.runs import made_up_results, real_results

Shown = Callable[..., Page]
RUN = "#/run/slow%2Fimage-16s/synchronous"
TEXT = "document.querySelector('main').innerText"


@pytest.fixture
def shown(browser: Page, report_file: Path) -> Shown:
    """Writes a report and opens it at a route."""

    def show(results: Results | None = None, route: str = "#/") -> Page:
        report_file.write_bytes(page(results or real_results()))
        browser.open(report_file.as_uri() + route)
        return browser

    return show


def visible_rows(browser: Page) -> list[str]:
    rows = "[...document.querySelectorAll('.matrix tbody tr:not(.group-row)')]"
    names: list[str] = browser.evaluate(
        f"{rows}.filter((row) => row.offsetHeight).map((row) => row.cells[0].innerText)"
    )
    return names


def test_the_page_asks_for_nothing_but_itself_and_complains_about_nothing(shown: Shown, report_file: Path) -> None:
    browser = shown()
    for route in (RUN, "#/run/slow%2Fimage-never/polling", "#/"):
        browser.evaluate(f"location.hash = '{route}'")
        browser.wait_for("document.querySelector('.run, .overview')")
    browser.wait_for("document.querySelector('.overview')")
    wanted = [url for url in browser.requests if not url.startswith(("data:image/webp;base64,", "about:"))]
    assert {url.partition("#")[0] for url in wanted} == {report_file.as_uri()}
    assert browser.complaints == []


def test_the_pages_policy_forbids_all_requests(shown: Shown) -> None:
    browser = shown()
    tried = browser.evaluate(
        "fetch('https://example.org/').then(() => 'out', () => 'kept').then((first) => new Promise((done) => {"
        "const picture = new Image(); picture.onload = () => done('out'); picture.onerror = () => done(first);"
        "picture.src = 'https://example.org/a.png'; }))"
    )
    assert tried == "kept"
    assert any("Content Security Policy" in each for each in browser.complaints)


def test_the_matrix_has_a_cell_for_each_run_and_says_how_it_ended(shown: Shown) -> None:
    browser = shown()
    assert visible_rows(browser) == [
        "baseline/healthy",
        "slow/image-16s",
        "slow/image-never",
        "callbacks/forgery-unsigned",
    ]
    labels = browser.evaluate("[...document.querySelectorAll('.matrix .cell-link')].map((a) => a.ariaLabel)")
    assert len(labels) == len(real_results().runs)
    assert (
        "synchronous in slow/image-16s: 1 invariant violated: callback-answered; warnings: image-durable, audio-durable"
    ) in labels


def test_the_matrix_is_filtered_and_searched(shown: Shown) -> None:
    browser = shown()
    browser.press("/")
    browser.write("image never")
    assert visible_rows(browser) == ["slow/image-never"]
    assert "1 of 4 scenarios" in browser.evaluate(TEXT)
    browser.evaluate("search.value = ''; search.dispatchEvent(new Event('input'))")
    choose = "(label, value) => { const select = [...document.querySelectorAll('.filters label')].find((each) => "
    choose += "each.innerText.startsWith(label)).querySelector('select'); select.value = value; "
    choose += "select.dispatchEvent(new Event('input')); }"
    browser.evaluate(f"({choose})('Group', 'callbacks')")
    assert visible_rows(browser) == ["callbacks/forgery-unsigned"]
    browser.evaluate(f"({choose})('Group', '')")
    place = browser.evaluate("INVARIANTS.findIndex((each) => each.name === 'rejects-forgery')")
    browser.evaluate(f"({choose})('Invariant', '{place}')")
    assert visible_rows(browser) == ["callbacks/forgery-unsigned"]


def test_the_keyboard_goes_everywhere(shown: Shown) -> None:
    browser = shown()
    browser.press("/")
    browser.press("Enter")
    focused = "document.activeElement.ariaLabel"
    assert browser.evaluate(focused).startswith("synchronous in baseline/healthy")
    browser.press("ArrowDown")
    browser.press("ArrowRight")
    assert browser.evaluate(focused).startswith("polling in slow/image-16s")
    browser.press("ArrowLeft")
    browser.press("Enter")
    browser.wait_for("document.querySelector('.run')")
    assert browser.evaluate("location.hash") == RUN
    browser.press("l")
    browser.wait_for("document.querySelector('.run h1').innerText.includes('polling')")
    browser.press("j")
    browser.wait_for("document.querySelector('.run h1').innerText.includes('image-never')")
    browser.press("Escape")
    browser.wait_for("document.querySelector('.overview')")
    assert browser.evaluate(focused).startswith("synchronous in slow/image-16s")
    browser.press("?")
    assert browser.evaluate("document.querySelector('dialog').open")


def test_a_run_shows_what_was_violated_and_where(shown: Shown) -> None:
    browser = shown(route=RUN)
    text = browser.evaluate(TEXT)
    assert "1 invariant violated" in text
    assert 'the "complete" callback was answered after 16 s; the provider\'s timeout is 15 s' in text
    assert "harness run synchronous slow/image-16s --seed 1" in text
    lanes = browser.evaluate(
        "[...document.querySelectorAll('.diagram-scroll > .diagram-head .lane-title')].map((each) => each.textContent)"
    )
    assert lanes == ["virtual time", "User", "Implementation", "Store", "Suno", "Kie.ai", "Media host"]
    marked = browser.evaluate("[...document.querySelectorAll('.step.is-evidence')].map((each) => each.textContent)")
    assert [("callback-answered" in each) for each in marked] == [True] * 3
    assert "sees: timeout after 15 s" in marked[1]
    assert "200 after 16 s: too late" in marked[2]


def test_a_verdicts_evidence_is_brought_out(shown: Shown) -> None:
    browser = shown(route=RUN)
    browser.evaluate("document.querySelector('.verdict.is-violated .show').click()")
    out = "[...document.querySelectorAll('.step.is-out')].map((each) => Number(each.dataset.entry))"
    verdict = real_results().by_key()["slow/image-16s", "synchronous"].result.verdict("callback-answered")
    assert set(browser.evaluate(out)) <= set(verdict.evidence) | {27}
    assert len(browser.evaluate(out)) == 3
    browser.evaluate("document.querySelector('.verdict.is-violated .show').click()")
    assert browser.evaluate(out) == []


def test_the_journal_opens_at_an_entry_that_a_link_names(shown: Shown) -> None:
    journal = real_results().by_key()["slow/image-16s", "synchronous"].journal
    number = next(entry.number for entry in journal.of(Response) if entry.event.latency_s == 16)
    browser = shown(route=f"{RUN}/{number}")
    browser.wait_for(f"document.querySelector('#entry-{number}[open] pre')")
    assert '"latency_s": 16' in browser.evaluate(f"document.querySelector('#entry-{number} pre').innerText")
    picture = [entry.number for entry in journal.of(Response) if "image" in str(entry.event.headers)][-1]
    browser.evaluate(f"document.querySelector('#entry-{picture} summary').click()")
    browser.wait_for(f"document.querySelector('#entry-{picture} img')?.naturalWidth === 320")


def test_the_picture_on_the_track_is_shown_with_its_true_size(shown: Shown) -> None:
    browser = shown(route=RUN)
    browser.wait_for("document.querySelector('.track img').naturalWidth === 320")
    assert "2048 × 1152 PNG" in browser.evaluate("document.querySelector('.track').innerText")
    browser.evaluate("location.hash = '#/run/slow%2Fimage-never/synchronous'")
    browser.wait_for("document.querySelector('.no-picture')")


def test_quick_navigation_shows_the_last_target(shown: Shown) -> None:
    browser = shown()
    browser.evaluate(
        "(async () => { for (const route of ['#/run/slow%2Fimage-16s/synchronous', '#/']) {"
        "const gone = new Promise((done) => addEventListener('hashchange', done, { once: true }));"
        "location.hash = route; await gone; } await Promise.all([0, 1, 2, 3].map(blockOf));"
        "await new Promise((done) => setTimeout(done, 200)); })()"
    )
    assert browser.evaluate("document.querySelector('.overview') !== null && document.querySelector('.run') === null")


def test_a_report_of_a_single_run_opens_with_it(shown: Shown) -> None:
    browser = shown(made_up_results(), route="")
    assert browser.evaluate("location.hash") == "#/run/made%2Fup/shop%3Aapp"
    browser.evaluate("location.hash = '#/'")
    browser.wait_for("document.querySelector('.overview')")


def test_an_address_of_no_run_says_so(shown: Shown) -> None:
    browser = shown(route="#/run/no%2Fsuch/run%")
    assert "There is no such run in this report." in browser.evaluate(TEXT)
    assert browser.complaints == []


HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "{{script}} {{blocks}}",
    "\"'><svg/onload=alert(1)>&lt;b&gt;",
    "\u2028\u2029\u202e\x00\x1b[31m\ud800",
    "](javascript:alert(1)) $& $1 \\u003c",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(shown: Shown, text: str) -> None:
    name = f"made/{text}"
    browser = shown(made_up_results(text=text, scenario=name, implementation=text))
    browser.evaluate("document.querySelector('.matrix .cell-link').click()")
    browser.wait_for("document.querySelector('.run')")
    browser.evaluate("document.querySelectorAll('.entry').forEach((each) => { each.open = true; })")
    browser.wait_for("document.querySelectorAll('.entry pre').length === 6")
    reason = browser.evaluate("document.querySelector('.verdict.is-violated p').textContent")
    assert reason == text
    assert browser.evaluate("document.title") != "owned"
    assert browser.evaluate("document.querySelectorAll('main script, main svg svg, main iframe').length") == 0
    assert browser.evaluate("[...document.querySelectorAll('main img')].length") == 0
    assert browser.complaints == []


def test_no_secret_is_in_what_the_page_unpacks(shown: Shown) -> None:
    browser = shown(made_up_results(text="Bearer abcdefghijkl"))
    unpacked = browser.evaluate("blockOf(0).then((block) => JSON.stringify(block))")
    assert "(redacted-1)" in unpacked
    assert "(secret-1)" in unpacked
    for secret in ("key-0123456789abcdef", "session=1", "another", "token=abc", "abcdefghijkl"):
        assert secret not in unpacked


BRIGHTNESS = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => { const [r, g, b] = numbers(color).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (element) => { for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor; if ((numbers(color)[3] ?? 1) === 1) return color; }
    return getComputedStyle(document.body).backgroundColor; };
  const poor = new Set();
  for (const element of document.querySelectorAll('main *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.offsetHeight || element.closest('svg, .bar, [aria-hidden]')) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) poor.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
  }
  return [...poor];
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("route", ["#/", RUN])
def test_text_has_enough_contrast_in_both_themes(shown: Shown, browser: Page, route: str, dark: bool) -> None:
    browser.screen(1440, 900, dark=dark)
    shown(route=route)
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(21, 23, 27)" if dark else "rgb(251, 250, 247)")
    assert browser.evaluate(BRIGHTNESS) == []


def test_the_theme_can_be_chosen_against_the_systems(shown: Shown) -> None:
    browser = shown()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = browser.evaluate(ground)
    for _ in range(2):
        browser.evaluate("document.getElementById('theme-button').click()")
    assert browser.evaluate("document.documentElement.dataset.theme") == "dark"
    assert browser.evaluate(ground) != light


@pytest.mark.parametrize("route", ["#/", RUN])
def test_on_a_phone_nothing_but_tables_and_diagrams_is_wider_than_the_screen(
    shown: Shown, browser: Page, route: str
) -> None:
    browser.screen(390, 844, phone=True)
    shown(route=route)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("route", ["#/", RUN])
def test_everything_that_can_be_worked_has_a_name(shown: Shown, route: str) -> None:
    browser = shown(route=route)
    nameless = browser.evaluate(
        "[...document.querySelectorAll('a, button, input, select, img, [role=img], [role=region], [role=grid]')]"
        ".filter((each) => !(each.ariaLabel || each.alt || each.textContent.trim() || each.labels?.length "
        "|| each.closest('label'))).map((each) => each.outerHTML.slice(0, 100))"
    )
    assert nameless == []
    levels = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((each) => each.tagName)")
    assert levels.count("H1") == 1


def test_a_printed_page_leaves_out_what_can_only_be_worked(shown: Shown, browser: Page) -> None:
    shown(route=RUN)
    browser.call("Emulation.setEmulatedMedia", media="print")
    hidden = "getComputedStyle(document.querySelector('.top')).display"
    assert browser.evaluate(hidden) == "none"
    printed = browser.call("Page.printToPDF")
    assert len(printed["data"]) > 10_000
