"""JUnit XML: a suite for each implementation, a case for each scenario.

A broken promise is a failure, a run that could not be judged is an error; each case has one of either, since some
readers keep one only. Virtual time is a property, because `time` means the machine's own.
"""

import re
import xml.etree.ElementTree as ElementTree

from harness.report.evidence import replay_command
from harness.report.text import broken, plain_report, shown
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Results) -> str:
    """The whole report as XML."""
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
    case.append(_properties({"seed": result.seed, "simulated_s": result.simulated_s, "replay": replay}))
    if result.violated or result.unknown:
        reported = shown(run)
        kind, names = ("failure", result.violated) if result.violated else ("error", result.unknown)
        trouble = ElementTree.SubElement(case, kind, message=_clean(broken(reported)), type=_clean(", ".join(names)))
        trouble.text = _clean(plain_report(reported, selector))
    return case


def _properties(values: dict[str, object]) -> ElementTree.Element:
    element = ElementTree.Element("properties")
    for name, value in values.items():
        ElementTree.SubElement(element, "property", name=name, value=_clean(str(value)))
    return element


def _clean(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
