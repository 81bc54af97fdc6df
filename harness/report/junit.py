"""JUnit XML: a suite for each implementation, a case for each scenario.

A violation is a failure, an inconclusive run is an error; each case has at most one of them, since some readers keep
only one. Virtual time is a property, because `time` means wall time.
"""

import re
import xml.etree.ElementTree as ElementTree

from harness.report.evidence import replay_command
from harness.report.text import plain_report, shown, trouble
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Results) -> str:
    """Return the whole report as XML."""
    root = ElementTree.Element("testsuites", name="harness")
    by_key = results.by_key()
    for who in results.implementations:
        pairs = [
            (scenario, by_key[key]) for scenario in results.scenarios if (key := (scenario.name, who.name)) in by_key
        ]
        root.append(_suite(results, who, pairs))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(results: Results, who: StoredImplementation, pairs: list[tuple[StoredScenario, Run]]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_clean(who.name))
    suite.append(_properties({"seed": results.seed, "harness": results.harness}))
    for scenario, run in pairs:
        suite.append(_case(who, scenario, run))
    suite.set("tests", str(len(pairs)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")
    suite.set("time", f"{sum(run.result.wall_s for _, run in pairs):.3f}")
    return suite


def _case(who: StoredImplementation, scenario: StoredScenario, run: Run) -> ElementTree.Element:
    result = run.result
    classname = f"{who.name}.{scenario.group}" if scenario.group else who.name
    case = ElementTree.Element(
        "testcase", classname=_clean(classname), name=_clean(scenario.name), time=f"{result.wall_s:.3f}"
    )
    if scenario.selector and scenario.selector != scenario.name:
        case.set("file", _clean(scenario.selector))
    selector = scenario.selector or scenario.name
    replay = replay_command(result.implementation, selector, result.seed, run.journal)
    reported = shown(run)
    idle = {"never_acted": "; ".join(each.sentence for each in reported.never_acted)} if reported.never_acted else {}
    case.append(_properties({"seed": result.seed, "simulated_s": result.simulated_s, "replay": replay, **idle}))
    if result.violated or result.unknown:
        kind, names = ("failure", result.violated) if result.violated else ("error", result.unknown)
        element = ElementTree.SubElement(case, kind, message=_clean(trouble(reported)), type=_clean(", ".join(names)))
        element.text = _clean(plain_report(reported, selector))
    return case


def _properties(values: dict[str, object]) -> ElementTree.Element:
    element = ElementTree.Element("properties")
    for name, value in values.items():
        ElementTree.SubElement(element, "property", name=name, value=_clean(str(value)))
    return element


def _clean(text: str) -> str:
    """Return text without characters that XML 1.0 does not allow."""
    return _NOT_IN_XML.sub("\ufffd", text)
