"""Mistakes in scenario files: each is told at its line and column, in a sentence that says what to write instead."""

# ruff: noqa: E501 - a message is quoted whole beside the text that it is about, or nobody can compare the two.

import pytest

from harness.errors import ScenarioError
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario

WHY = "why: it shows what happens\n"


def parsed(text: str) -> Scenario:
    return parse_scenario(text, path="a.yaml", name="group/a")


def refusal(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parsed(text)
    return str(caught.value)


def first_line(text: str) -> str:
    return refusal(text).splitlines()[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # What a duration can get wrong.
        ("kie:\n  images:\n    - takes: 16\n", '4:14: kie.images[0].takes: "16" has no unit, write "16s"'),
        ('deadline: "16"\n', '2:11: deadline: "16" has no unit, write "16s"'),
        ("deadline: 2 hours\n", '2:11: deadline: "2 hours" is not quite a duration, write "2h"'),
        ("deadline: 5fortnights\n", '2:11: deadline: "5fortnights" has no known unit, write for example "250ms", "16s", "5m", "2h" or "14d"'),
        ("deadline: soon\n", '2:11: deadline: "soon" is not a duration, write for example "250ms", "16s", "5m", "2h" or "14d"'),
        ("deadline: -5s\n", '2:11: deadline: "-5s" is before now, durations begin at "0s"'),
        ("deadline: 401d\n", '2:11: deadline: "401d" is too long, the longest is "400d"'),
        ("deadline: never\n", '2:11: deadline: "never" is not possible here, only a duration'),
        ("deadline: [5s]\n", '2:11: deadline: a list stands here, a duration belongs here, for example "250ms", "16s", "5m", "2h" or "14d"'),
        ("kie: {images: [{takes: {p95: 4s, median: 8s}}]}\n", '2:30: kie.images[0].takes.p95: "4s" must be longer than the median, "8s"'),
        ("kie: {images: [{takes: {median: 8s}}]}\n", "2:24: kie.images[0].takes.p95: is missing"),
        ("kie: {images: [{takes: {between: [9s, 8s]}}]}\n", "2:34: kie.images[0].takes.between: the shortest comes first, write [8s, 9s]"),
        ("kie: {images: [{takes: {between: [9s]}}]}\n", "2:34: kie.images[0].takes.between: the list has 1 entries, it needs at least 2"),
        ("kie: {images: [{takes: {often: 9s}}]}\n", "2:24: kie.images[0].takes: a duration of several parts is {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}"),
        ("kie: {images: [{takes: {usually: never, sometimes: 1s, share: 1}}]}\n", '2:34: kie.images[0].takes.usually: "never" is not possible here, only a duration'),
        ("kie: {images: [{takes: {usually: 1s, sometimes: 1s, share: 1.5}}]}\n", "2:60: kie.images[0].takes.share: 1.5 is too large, the most is 1"),
        # Names that nobody knows.
        ("trakcs: 2\n", '2:1: unknown key "trakcs", did you mean "tracks"?'),
        ("kie:\n  images:\n    - takes: 1s\n      pictur: 1x1\n", '5:7: kie.images[0]: unknown key "pictur", did you mean "picture"?'),
        ("platform: {xyzzy: 1}\n", '2:12: platform: unknown key "xyzzy", known here: cron-every, freezes-after-answer, instances, limit, restarts'),
        ("kie: {images: [{answer: renamd}]}\n", '2:25: kie.images[0].answer: "renamd" is not known here, did you mean "renamed"?'),
        ("kie: {profile: 7}\n", "2:16: kie.profile: 7 is not known here, write synchronous or documented"),
        ("kie: {images: [{picture: {flaw: header-lie}}]}\n", '2:33: kie.images[0].picture.flaw: "header-lie" is no flaw, did you mean "header-lies"?'),
        ("kie: {images: [{picture: {format: jpg}}]}\n", '2:35: kie.images[0].picture.format: "jpg" is not known here, did you mean "jpeg"?'),
        ("impossible: {image-3k: none}\n", '2:14: impossible.image-3k: "image-3k" is no invariant, did you mean "image-2k"?'),
        ("faults: [{to: kie, fault: emptybody}]\n", '2:27: faults[0].fault: "emptybody" is no fault, did you mean "empty-body"?'),
        ("faults: [{to: kie, fault: {emptybody: }}]\n", '2:28: faults[0].fault: unknown key "emptybody", did you mean "empty-body"?'),
        ("faults: [{to: kie, fault: {dribbled-body: {evry: 1s}}}]\n", '2:44: faults[0].fault.dribbled-body: unknown key "evry", did you mean "every"?'),
        # Values of the wrong kind.
        ("tracks: twenty\n", '2:9: tracks: "twenty" stands here, a whole number belongs here'),
        ("tracks: true\n", "2:9: tracks: true stands here, a whole number belongs here"),
        ("tracks: 2.5\n", "2:9: tracks: 2.5 stands here, a whole number belongs here"),
        ("signing: true\nsuno: {dialect: sunoapi.org}\n", "3:7: suno: sunoapi.org signs no callbacks, and an application with the key turns them all away; take signing: out, or dialect: out"),
        ("signing: yes\n", '2:10: signing: "yes" stands here, true or false belongs here'),
        ("kie:\nsuno: {}\n", "2:1: kie: nothing stands here, a block of keys belongs here"),
        ("kie: 5\n", "2:6: kie: 5 stands here, a block of keys belongs here"),
        ("kie:\n  images:\n    takes: 5s\n", "4:5: kie.images: a block of keys stands here, a list belongs here"),
        ("impossible: image-2k\n", '2:13: impossible: "image-2k" stands here, a block of keys belongs here'),
        ("faults: [{to: kie, fault: empty-body, probability: often}]\n", '2:52: faults[0].probability: "often" stands here, a number belongs here'),
        ('kie: {images: [{fails: "501"}]}\n', '2:24: kie.images[0].fails: "501" stands here, a whole number belongs here'),
        ("media: {redirects: lop}\n", '2:20: media.redirects: "lop" stands here, a number from 0 to 50 or "loop" belongs here'),
        ("faults: [{to: kie, fault: empty-body, which: 7}]\n", '2:46: faults[0].which: 7 is not an occurrence, write "7th"'),
        ("faults: [{to: kie, fault: empty-body, which: last}]\n", '2:46: faults[0].which: "last" is not an occurrence, write "first", "second", "third", "7th" or "every"'),
        ("faults: [{to: kie, fault: {oversized-body: {size: big}}}]\n", '2:51: faults[0].fault.oversized-body.size: "big" is not an amount, write for example 1, "64KiB" or "16MiB"'),
        # Bounds.
        ("tracks: 0\n", "2:9: tracks: 0 is too small, the least is 1"),
        ("tracks: 1001\n", "2:9: tracks: 1001 is too large, the most is 1000"),
        ("faults: [{to: kie, fault: empty-body, probability: 2}]\n", "2:52: faults[0].probability: 2 is too large, the most is 1"),
        ("suno: {music: []}\n", "2:15: suno.music: the list has 0 entries, it needs at least 1"),
        (f"platform: {{restarts: [{', '.join(['1s'] * 101)}]}}\n", "2:22: platform.restarts: the list has 101 entries, at most 100 are read"),
        ("kie: {images: [{picture: 2048*1152}]}\n", '2:26: kie.images[0].picture: "2048*1152" is not a picture size, write for example "2048x1152"'),
        ("suno: {music: [{cover: big}]}\n", '2:24: suno.music[0].cover: "big" is not a picture size, write for example "2048x1152", or none'),
        ("kie: {images: [{picture: 8192x1}]}\n", "2:26: kie.images[0].picture: \"8192x1\" cannot be made, a picture's sides are 1 to 8191 pixels"),
        ("kie: {images: [{picture: {size: 0x9}}]}\n", "2:33: kie.images[0].picture.size: \"0x9\" cannot be made, a picture's sides are 1 to 8191 pixels"),
        # Keys that contradict each other.
        ("faults: [{to: kie, fault: empty-body, from: 5m, until: 1m}]\n", '2:56: faults[0].until: "1m" is not after from, "5m"'),
        ("faults: [{to: kie, fault: {empty-body: , broken-json: }}]\n", "2:27: faults[0].fault: expected one fault, got 2; each has an entry of its own"),
        ("suno: {strays: [{after: 1s, what: forgery}]}\n", "2:17: suno.strays[0]: a forgery says which, write forgery: unsigned, forged, stale or altered"),
        ("suno: {strays: [{after: 1s, what: old-music, forgery: stale}]}\n", '2:55: suno.strays[0].forgery: "old-music" is no forgery, take this key out or write what: forgery'),
        ("kie: {images: [{picture: {flaw: header-lies, format: webp}}]}\n", '2:33: kie.images[0].picture.flaw: "header-lies" needs the format png or jpeg, not webp'),
        ('impossible: {image-2k: " "}\n', "2:24: impossible.image-2k: is blank, say what the providers do that makes it impossible"),
        ("faults: [{fault: empty-body}]\n", "2:10: faults[0].to: is missing"),
        ("faults: [{to: kie, fault: empty-body, path: api}]\n", '2:45: faults[0].path: "api" does not begin with "/"'),
        ("faults: [{to: kie, path: /api, fault: connection-refused}]\n", '2:39: faults[0].fault: "connection-refused" acts before a request is sent, so its path is not known yet; remove path:'),
        ("faults: [{to: kie, fault: {slow-connect: }, method: GET}]\n", '2:27: faults[0].fault: "slow-connect" acts before a request is sent, so its method is not known yet; remove method:'),
        ("faults: [{to: callbacks, fault: empty-body}]\n", '2:33: faults[0].fault: "empty-body" has no effect on a callback, whose response is read for its status only; write altered-request, closed-before-answer, connection-refused, duplicated-request, late-request, lost-request, name-not-found, never-answers, never-connects, refused-request, reordered-request, reset-before-answer, slow-answer, slow-connect or tls-failure'),
        ("faults: [{to: kie, fault: {slow-answer: {takes: []}}}]\n", "2:49: faults[0].fault.slow-answer.takes: the list has 0 entries, it needs at least 1"),
        ("faults: [{to: kie, fault: {slow-answer: {takes: {often: 1s}}}}]\n", "2:49: faults[0].fault.slow-answer.takes: a duration of several parts is {median, p95}, {between: [shortest, longest]} or {usually, sometimes, share}, or a list of durations"),
        ("tracks: 1\ntracks: 2\n", '3:1: "tracks" stands here a second time, the first is on line 2'),
        ("kie: {profile: documented, profile: documented}\n", '2:28: kie: "profile" stands here a second time, the first is on line 2'),
        # No YAML, or more of it than is good.
        ("kie:\n\timages: []\n", "3:1: a tab stands here, YAML is indented with spaces"),
        ("kie: \a\n", "2:6: the character U+0007 stands here, YAML does not allow it"),
        ("---\nwhy: second\n", "2:1: a second document begins here, a file holds one"),
        ("kie: *nobody\n", '2:6: no anchor "&nobody" is complete before this line'),
        ("kie: &a {images: *a}\n", '2:18: no anchor "&a" is complete before this line'),
        ("kie: !!python/object:os.system {}\n", '2:6: the tag "tag:yaml.org,2002:python/object:os.system" stands here, scenario files have no tags; take it out'),
        ("? [a]\n: 1\n", "2:3: a key is a word, not a list or a block"),
        ("kie: {<<: 5}\n", '2:11: "<<" takes in a block of keys, or a list of them'),
        ("kie: " + "[" * 100_000 + "\n", "2:37: more than 32 levels inside each other are not read"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_line_and_column(text: str, told: str) -> None:
    assert first_line(WHY + text) == f"a.yaml:{told}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: the file is empty, write at least why: and what goes wrong here"),
        ("# only a comment\n", "1:1: the file is empty, write at least why: and what goes wrong here"),
        ("tracks: 2\n", "1:1: why: is missing, say in a sentence or two what goes wrong here and for whom"),
        ("why: '  '\n", "1:6: why: is blank, say in a sentence or two what happens here and whom it hurts"),
        ("why:\n", "1:1: why: nothing stands here, text belongs here"),
        ("why: 5\n", "1:6: why: 5 stands here, text belongs here"),
        ("- why\n", "1:1: a list stands here, a block of keys belongs here"),
        ("healthy\n", '1:1: "healthy" stands here, a block of keys belongs here'),
        ("why: x\nkie: [1\n", "3:1: this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence, begun on line 2)"),
        ("\ufeffwhy: x\ntracks: 0\n", "2:9: tracks: 0 is too small, the least is 1"),
        ("why: x\r\ntracks: 0\r\n", "2:9: tracks: 0 is too small, the least is 1"),
        ("why: 🎨 is one column wide\nkie: {images: [{picture-url: 🎨, takes: 5}]}\n", '2:30: kie.images[0].picture-url: "🎨" is not known here, write given or missing or null or empty or undefined or relative or private'),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_as_a_whole_is_told_so(text: str, told: str) -> None:
    assert first_line(text) == f"a.yaml:{told}"


def test_the_line_and_a_caret_follow_each_problem() -> None:
    assert refusal(f"{WHY}kie:\n  images:\n    - takes: 16\n") == (
        'a.yaml:4:14: kie.images[0].takes: "16" has no unit, write "16s"\n        - takes: 16\n                 ^'
    )


def test_all_problems_of_a_file_are_told_in_the_order_of_its_lines() -> None:
    places = [line.split(": ")[0] for line in refusal("kie: 5\ntracks: 0\nsuno: {musik: []}\n").splitlines()[::3]]
    assert places == ["a.yaml:1:1", "a.yaml:1:6", "a.yaml:2:9", "a.yaml:3:8"]


def test_a_duplicate_key_does_not_hide_another_problem() -> None:
    told = refusal(f"{WHY}tracks: 1\ntracks: 2\napart: 1\n").splitlines()[::3]
    assert [line.split(": ")[0] for line in told] == ["a.yaml:3:1", "a.yaml:4:8"]


def test_ten_problems_are_told_and_the_others_counted() -> None:
    many = refusal(WHY + "kie:\n  images:\n" + "    - takes: 1\n" * 13).splitlines()
    assert len(many) == 10 * 3 + 1
    assert many[-1] == "and 3 more"
    assert len(refusal(WHY + "kie:\n  images:\n" + "    - takes: 1\n" * 10).splitlines()) == 10 * 3


def test_a_long_line_is_shown_round_its_caret() -> None:
    _, shown, caret = refusal(f"{WHY}impossible: {{image-2k: {'x' * 500}, image-3k: y}}").splitlines()
    assert len(shown) <= 124
    assert shown[caret.index("^") :].startswith("image-3k")


def test_nested_anchors_cannot_fill_the_memory() -> None:
    laughs = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    laughs += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert "more than 20000 values, with every anchor followed" in refusal(laughs)


def test_nested_merges_cannot_take_for_ever() -> None:
    laughs = "a0: &a0 {x: 1}\n"
    laughs += "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10))
    assert "more than 20000 values, with every anchor followed" in refusal(laughs)


def test_a_huge_file_is_refused_unread() -> None:
    assert "1000001 characters are too many" in refusal("#" * 1_000_001)
