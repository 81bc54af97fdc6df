"""Mistakes in scenario files: each is reported at its line and column, with what was expected."""

# ruff: noqa: E501 - each message is quoted in full next to its text, so that they can be compared.

import pytest

from harness.errors import ScenarioError
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario

WHY = "why: it shows what happens\n"


def parsed(text: str) -> Scenario:
    return parse_scenario(text, path="a.yaml", name="group/a")


def error(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parsed(text)
    return str(caught.value)


def first_line(text: str) -> str:
    return error(text).splitlines()[0]


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        # Durations.
        ("kie:\n  images:\n    - takes: 16\n", '4:14: kie.images[0].takes: "16" has no unit, write "16s"'),
        ('deadline: "16"\n', '2:11: deadline: "16" has no unit, write "16s"'),
        ("deadline: 2 hours\n", '2:11: deadline: "2 hours" is not a valid duration, write "2h"'),
        ("deadline: 5fortnights\n", '2:11: deadline: "5fortnights" has an unknown unit, expected ms, s, m, h or d'),
        ("deadline: soon\n", '2:11: deadline: expected a duration such as "16s", got "soon"'),
        ("deadline: -5s\n", '2:11: deadline: expected a duration of at least "0s", got "-5s"'),
        ("deadline: 401d\n", '2:11: deadline: expected a duration of at most "400d", got "401d"'),
        ("deadline: never\n", '2:11: deadline: expected a duration such as "16s", got "never", which is not allowed here'),
        ("deadline: [5s]\n", '2:11: deadline: expected a duration such as "16s", got a list'),
        ("kie: {images: [{takes: {p95: 4s, median: 8s}}]}\n", '2:30: kie.images[0].takes.p95: expected more than the median, "8s", got "4s"'),
        ("kie: {images: [{takes: {median: 8s}}]}\n", "2:24: kie.images[0].takes.p95: is missing"),
        ("kie: {images: [{takes: {between: [9s, 8s]}}]}\n", "2:34: kie.images[0].takes.between: expected the shorter duration first, write [8s, 9s]"),
        ("kie: {images: [{takes: {between: [9s]}}]}\n", "2:34: kie.images[0].takes.between: expected a list with at least 2 entries, got 1"),
        ("kie: {images: [{takes: {often: 9s}}]}\n", "2:24: kie.images[0].takes: expected {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}"),
        ("kie: {images: [{takes: {usually: never, sometimes: 1s, share: 1}}]}\n", '2:34: kie.images[0].takes.usually: expected a duration such as "16s", got "never", which is not allowed here'),
        ("kie: {images: [{takes: {usually: 1s, sometimes: 1s, share: 1.5}}]}\n", "2:60: kie.images[0].takes.share: expected at most 1, got 1.5"),
        # Unknown names.
        ("trakcs: 2\n", '2:1: unknown key "trakcs"; did you mean "tracks"?'),
        ("kie:\n  images:\n    - takes: 1s\n      pictur: 1x1\n", '5:7: kie.images[0]: unknown key "pictur"; did you mean "picture"?'),
        ("platform: {xyzzy: 1}\n", '2:12: platform: unknown key "xyzzy", expected answer-limit or background-limit or cold-start or cron-every or instances or preset or restarts or sleeps-after'),
        ("kie: {images: [{answer: renamd}]}\n", '2:25: kie.images[0].answer: unknown value "renamd"; did you mean "renamed"?'),
        ("kie: {profile: 7}\n", "2:16: kie.profile: unknown value 7, expected synchronous or documented"),
        ("kie: {images: [{picture: {flaw: header-lie}}]}\n", '2:33: kie.images[0].picture.flaw: unknown flaw "header-lie"; did you mean "header-lies"?'),
        ("kie: {images: [{picture: {format: jpg}}]}\n", '2:35: kie.images[0].picture.format: unknown value "jpg"; did you mean "jpeg"?'),
        ("impossible: {image-3k: none}\n", '2:14: impossible.image-3k: unknown invariant "image-3k"; did you mean "image-2k"?'),
        ("faults: [{to: kie, fault: emptybody}]\n", '2:27: faults[0].fault: unknown fault "emptybody"; did you mean "empty-body"?'),
        ("faults: [{to: kie, fault: {emptybody: }}]\n", '2:28: faults[0].fault: unknown key "emptybody"; did you mean "empty-body"?'),
        ("faults: [{to: kie, fault: {dribbled-body: {evry: 1s}}}]\n", '2:44: faults[0].fault.dribbled-body: unknown key "evry"; did you mean "every"?'),
        # Values of the wrong kind.
        ("tracks: twenty\n", '2:9: tracks: expected a whole number, got "twenty"'),
        ("tracks: true\n", "2:9: tracks: expected a whole number, got true"),
        ("tracks: 2.5\n", "2:9: tracks: expected a whole number, got 2.5"),
        ("signing: true\nsuno: {dialect: sunoapi.org}\n", "3:7: suno: sunoapi.org does not sign callbacks, so an application with the key rejects them all; remove signing: or dialect:"),
        ("signing: yes\n", '2:10: signing: expected true or false, got "yes"'),
        ("kie:\nsuno: {}\n", "2:1: kie: expected a block of keys, got nothing"),
        ("kie: 5\n", "2:6: kie: expected a block of keys, got 5"),
        ("kie:\n  images:\n    takes: 5s\n", "4:5: kie.images: expected a list, got a block of keys"),
        ("impossible: image-2k\n", '2:13: impossible: expected a block of keys, got "image-2k"'),
        ("faults: [{to: kie, fault: empty-body, probability: often}]\n", '2:52: faults[0].probability: expected a number, got "often"'),
        ('kie: {images: [{fails: "501"}]}\n', '2:24: kie.images[0].fails: expected a whole number, got "501"'),
        ("media: {redirects: lop}\n", '2:20: media.redirects: expected a number from 0 to 50 or "loop", got "lop"'),
        ("faults: [{to: kie, fault: empty-body, which: 7}]\n", '2:46: faults[0].which: 7 is not a valid occurrence, write "7th"'),
        ("faults: [{to: kie, fault: empty-body, which: last}]\n", '2:46: faults[0].which: expected an occurrence such as "first", "7th" or "every", got "last"'),
        ("faults: [{to: kie, fault: {oversized-body: {size: big}}}]\n", '2:51: faults[0].fault.oversized-body.size: expected an amount such as 1, "64KiB" or "16MiB", got "big"'),
        # Bounds.
        (
            "timezone: Asia/Tokio\n",
            '2:11: timezone: expected a time zone such as "Asia/Tokyo", got "Asia/Tokio"; did you mean "Asia/Tokyo"?',
        ),
        ("timezone: 9\n", '2:11: timezone: expected a time zone such as "Asia/Tokyo", got 9'),
        ("timezone: localtime\n", '2:11: timezone: expected a time zone such as "Asia/Tokyo", got "localtime"'),
        ("tracks: 0\n", "2:9: tracks: expected at least 1, got 0"),
        ("tracks: 1001\n", "2:9: tracks: expected at most 1000, got 1001"),
        ("faults: [{to: kie, fault: empty-body, probability: 2}]\n", "2:52: faults[0].probability: expected at most 1, got 2"),
        ("suno: {music: []}\n", "2:15: suno.music: expected a list with at least 1 entries, got 0"),
        (f"platform: {{restarts: [{', '.join(['1s'] * 101)}]}}\n", "2:22: platform.restarts: expected a list with at most 100 entries, got 101"),
        ("kie: {images: [{picture: 2048*1152}]}\n", '2:26: kie.images[0].picture: expected a picture size such as "2048x1152", got "2048*1152"'),
        ("suno: {music: [{cover: big}]}\n", '2:24: suno.music[0].cover: expected a picture size such as "2048x1152", got "big"; none is allowed, too'),
        ("kie: {images: [{picture: 8192x1}]}\n", "2:26: kie.images[0].picture: expected a picture size with sides of 1 to 8191 pixels, got \"8192x1\""),
        ("kie: {images: [{picture: {size: 0x9}}]}\n", "2:33: kie.images[0].picture.size: expected a picture size with sides of 1 to 8191 pixels, got \"0x9\""),
        # Keys that contradict each other.
        ("faults: [{to: kie, fault: empty-body, from: 5m, until: 1m}]\n", '2:56: faults[0].until: expected a time after from: "5m", got "1m"'),
        ("faults: [{to: kie, fault: {empty-body: , broken-json: }}]\n", "2:27: faults[0].fault: expected one fault, got 2; write an entry for each"),
        ("suno: {strays: [{after: 1s, what: forgery}]}\n", "2:17: suno.strays[0]: a forgery needs its kind, write forgery: unsigned, forged, stale or altered"),
        ("suno: {strays: [{after: 1s, what: old-music, forgery: stale}]}\n", '2:55: suno.strays[0].forgery: "old-music" is not a forgery; remove this key or write what: forgery'),
        ("suno: {strays: [{after: 1s, what: lyrics, cover: 360x360}]}\n", '2:50: suno.strays[0].cover: "lyrics" is no music, so it has no cover; remove this key'),
        ("suno: {strays: [{after: 1s, what: unknown-image, cover: 360x360}]}\n", '2:57: suno.strays[0].cover: "unknown-image" is no music, so it has no cover; remove this key'),
        ("suno: {strays: [{after: 1s, what: forgery, forgery: stale, cover: none}]}\n", '2:67: suno.strays[0].cover: expected a picture size such as "2048x1152", got "none"'),
        ("kie: {forgeries: [{after: 1s}]}\n", "2:19: kie.forgeries[0].forgery: is missing"),
        ("kie: {images: [{picture: {flaw: header-lies, format: webp}}]}\n", '2:33: kie.images[0].picture.flaw: "header-lies" needs the format png or jpeg, got webp'),
        ("kie: {images: [{picture: {weight: captured, format: jpeg}}]}\n", '2:35: kie.images[0].picture.weight: "captured" needs the format png, got jpeg'),
        ("suno: {music: [{sends: [text, error, complete]}]}\n", '2:24: suno.music[0].sends: "error" contradicts a complete callback, so it comes after one; for music that fails write fails: {code: 501, when: after-generating}'),
        ("suno: {music: [{empty-complete: true, complete-carries: covers}]}\n", "2:57: suno.music[0].complete-carries: the complete callback is empty; remove this key or empty-complete:"),
        ("kie: {images: [{callback: never, error-after: 5s}]}\n", "2:47: kie.images[0].error-after: there is no callback with a picture to contradict; remove this key, callback: or fails:"),
        ("kie: {images: [{fails: 501, error-after: 5s}]}\n", "2:42: kie.images[0].error-after: there is no callback with a picture to contradict; remove this key, callback: or fails:"),
        ('impossible: {image-2k: " "}\n', "2:24: impossible.image-2k: is blank; describe the behaviour of the providers that makes it impossible"),
        (f"title: {'x' * 81}\n", "2:8: title: expected at most 80 characters, got 81"),
        ("kie: {task-ids: hexa}\n", '2:17: kie.task-ids: unknown value "hexa"; did you mean "hex"?'),
        ("user: [{after: 1s, does: deletes}]\n", '2:26: user[0].does: unknown value "deletes"; did you mean "delete"?'),
        ("user: [{does: delete}]\n", "2:8: user[0].after: is missing"),
        ("faults: [{fault: empty-body}]\n", "2:10: faults[0].to: is missing"),
        ("faults: [{to: kie, fault: empty-body, path: api}]\n", '2:45: faults[0].path: expected a path that begins with "/", got "api"'),
        ("faults: [{to: kie, path: /api, fault: connection-refused}]\n", '2:39: faults[0].fault: "connection-refused" acts before a request is sent, when its path is unknown; remove path:'),
        ("faults: [{to: kie, fault: {slow-connect: }, method: GET}]\n", '2:27: faults[0].fault: "slow-connect" acts before a request is sent, when its method is unknown; remove method:'),
        ("faults: [{to: kie, fault: {refused-request: {status: 418}}}]\n", "2:54: faults[0].fault.refused-request.status: unknown value 418, expected 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526 or 530"),
        ("faults: [{to: kie, fault: store-full}]\n", '2:27: faults[0].fault: "store-full" acts on the way to store, write to: store'),
        ("faults: [{to: store, fault: {store-locked: {takes: 5}}}]\n", '2:52: faults[0].fault.store-locked.takes: "5" has no unit, write "5s"'),
        ("faults: [{to: callbacks, fault: empty-body}]\n", '2:33: faults[0].fault: "empty-body" has no effect on a callback, since providers only read the status of its response; expected altered-request, closed-before-answer, connection-refused, duplicated-request, late-request, lost-request, name-not-found, never-answers, never-connects, refused-request, reordered-request, reset-before-answer, slow-answer, slow-connect or tls-failure'),
        ("faults: [{to: kie, fault: {slow-answer: {takes: []}}}]\n", "2:49: faults[0].fault.slow-answer.takes: expected a list with at least 1 entries, got 0"),
        ("faults: [{to: kie, fault: {slow-answer: {takes: {often: 1s}}}}]\n", "2:49: faults[0].fault.slow-answer.takes: expected {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}, or a list of durations"),
        ("tracks: 1\ntracks: 2\n", '3:1: duplicate key "tracks", first defined on line 2'),
        ("kie: {profile: documented, profile: documented}\n", '2:28: kie: duplicate key "profile", first defined on line 2'),
        # Invalid YAML, and too much of it.
        ("kie:\n\timages: []\n", "3:1: YAML does not allow tabs in indentation; use spaces"),
        ("kie: \a\n", "2:6: YAML does not allow the character U+0007"),
        ("---\nwhy: second\n", "2:1: expected one document, found a second one"),
        ("kie: *missing\n", '2:6: unknown anchor "&missing"; an anchor must be complete before its alias'),
        ("kie: &a {images: *a}\n", '2:18: unknown anchor "&a"; an anchor must be complete before its alias'),
        ("kie: !!python/object:os.system {}\n", '2:6: scenario files do not allow tags; remove the tag "tag:yaml.org,2002:python/object:os.system"'),
        ("? [a]\n: 1\n", "2:3: expected a word as key, got a list or a block"),
        ("kie: {<<: 5}\n", '2:11: expected a block of keys, or a list of blocks, after "<<"'),
        ("kie: " + "[" * 100_000 + "\n", "2:37: expected at most 32 nested levels, found more"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_at_its_line_and_column(text: str, reported: str) -> None:
    assert first_line(WHY + text) == f"a.yaml:{reported}"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "1:1: the file is empty; only why: is required"),
        ("# only a comment\n", "1:1: the file is empty; only why: is required"),
        ("tracks: 2\n", "1:1: why: is missing; describe in a sentence or two what goes wrong and who is affected"),
        ("why: '  '\n", "1:6: why: is blank; describe in a sentence or two what goes wrong and who is affected"),
        ("why:\n", "1:1: why: expected text, got nothing"),
        ("why: 5\n", "1:6: why: expected text, got 5"),
        ("- why\n", "1:1: expected a block of keys, got a list"),
        ("healthy\n", '1:1: expected a block of keys, got "healthy"'),
        ("why: x\nkie: [1\n", "3:1: invalid YAML: did not find expected ',' or ']' (while parsing a flow sequence, started on line 2)"),
        ("\ufeffwhy: x\ntracks: 0\n", "2:9: tracks: expected at least 1, got 0"),
        ("why: x\r\ntracks: 0\r\n", "2:9: tracks: expected at least 1, got 0"),
        ("why: 🎨 is one column wide\nkie: {images: [{picture-url: 🎨, takes: 5}]}\n", '2:30: kie.images[0].picture-url: unknown value "🎨", expected given or missing or null or empty or undefined or relative or private'),
    ],
)  # fmt: skip
def test_a_mistake_of_the_whole_file_is_reported(text: str, reported: str) -> None:
    assert first_line(text) == f"a.yaml:{reported}"


def test_the_line_and_a_caret_follow_each_problem() -> None:
    assert error(f"{WHY}kie:\n  images:\n    - takes: 16\n") == (
        'a.yaml:4:14: kie.images[0].takes: "16" has no unit, write "16s"\n        - takes: 16\n                 ^'
    )


def test_all_problems_are_reported_in_the_order_of_the_lines() -> None:
    places = [line.split(": ")[0] for line in error("kie: 5\ntracks: 0\nsuno: {musik: []}\n").splitlines()[::3]]
    assert places == ["a.yaml:1:1", "a.yaml:1:6", "a.yaml:2:9", "a.yaml:3:8"]


def test_a_duplicate_key_does_not_hide_another_problem() -> None:
    reported = error(f"{WHY}tracks: 1\ntracks: 2\napart: 1\n").splitlines()[::3]
    assert [line.split(": ")[0] for line in reported] == ["a.yaml:3:1", "a.yaml:4:8"]


def test_ten_problems_are_reported_and_the_others_counted() -> None:
    many = error(WHY + "kie:\n  images:\n" + "    - takes: 1\n" * 13).splitlines()
    assert len(many) == 10 * 3 + 1
    assert many[-1] == "and 3 more"
    assert len(error(WHY + "kie:\n  images:\n" + "    - takes: 1\n" * 10).splitlines()) == 10 * 3


def test_a_long_line_is_cut_around_its_caret() -> None:
    _, shown, caret = error(f"{WHY}impossible: {{image-2k: {'x' * 500}, image-3k: y}}").splitlines()
    assert len(shown) <= 124
    assert shown[caret.index("^") :].startswith("image-3k")


def test_nested_anchors_cannot_fill_the_memory() -> None:
    laughs = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    laughs += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert "at most 20000 values with every anchor expanded" in error(laughs)


def test_nested_merges_cannot_take_forever() -> None:
    laughs = "a0: &a0 {x: 1}\n"
    laughs += "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10))
    assert "at most 20000 values with every anchor expanded" in error(laughs)


def test_a_huge_file_is_rejected_without_parsing() -> None:
    assert "at most 1000000 characters, found 1000001" in error("#" * 1_000_001)


@pytest.mark.parametrize("text", ["tracks: 5\napart: 10m\ndeadline: 40m\n", "tracks: 20\napart: 10m\n"])
def test_a_deadline_before_the_last_track_is_requested_is_an_error(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"the last track is requested after \d+m, expected a later deadline"):
        parse_scenario(f"why: Too early.\n{text}", path="a.yaml", name="a")
    assert parse_scenario("why: Just in time.\ntracks: 5\napart: 10m\ndeadline: 41m\n", path="a.yaml", name="a")
