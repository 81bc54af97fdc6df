"""Values that no one writes by mistake, as YAML and as JSON."""

DIGITS = "9" * 30_000
DEEP = 100_000

YAML_VALUES = (
    *("", "~", "null", "true", "no", "0", "-1", "1.5", "-0.0", "1e999", ".inf", "-.inf", ".nan", "0x10", "0o7"),
    *("1_000", "12:30:45", "2026-02-30", "2026-01-01T00:00:00Z", "16", "16s", "-16s", "+16s", ".5s", "1e9s", "16 s"),
    *("401d", DIGITS, f"{DIGITS}s", f"-{DIGITS}", f"0.{DIGITS}s", f"{DIGITS}x{DIGITS}", f"{DIGITS}th", f"{DIGITS}MiB"),
    *('""', "''", '"\\0"', '"\\ud800"', '"\\x07"', '"\\u202E"', "\0", "\ud800", "\x1b[2J", "\u2028"),
    *("😀" * 1000, "é" * 5000, "a" * 100_000, "${HOME}", "{0.__class__}", "%s%n"),
    *("[]", "{}", "[[]]", "{a: {}}", "[1, a, null]", "{1: 2, null: 3}", "{[a]: b}", "? [a]\n: b", "- - - x"),
    *("[" * DEEP, "{a: " * DEEP, "- " * DEEP, "[" * 40 + "]" * 40, "[" * 2000 + "x" + "]" * 2000),
    *("&a [*a]", "&a {b: *a}", "*missing", "&a x", "{<<: {a: b}}", "{<<: [1]}", "{<<: &a {<<: *a}}"),
    *("!!int x", "!!python/object/apply:os.system [id]", "!!binary aGk=", "!!set {a}", "!x y", "!<tag:x> a"),
    *("|\n  text", ">-\n  text", "|9\n x", "'open", '"open', "[open", "{open", "a: b: c", "@x", "`x", "%x"),
    *("../../../../etc/passwd", "/dev/zero", "file:///etc/passwd"),
)
"""Each stands where a file has a value."""

BILLION_LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)

JSON_VALUES = (
    *("null", "true", "false", "0", "-1", "1.5", "1e12", "-1e12", "1e999", "-1e999", "NaN", "Infinity", "1E400", "00"),
    *("9" * 400, DIGITS, f"-{DIGITS}", f"0.{DIGITS}", "99999999999999999999", '"2026-01-01"', f'"{"x" * 100_000}"'),
    *('""', '"x"', '"\\u0000"', '"\\ud800"', '"\\u001b[2J"', '"</script><script>"'),
    *("[]", "{}", "[[]]", "[null]", '{"a": 1, "a": 2}', '[{"n": 1}]', '{"kind": []}', '{"": {"": null}}'),
    *("[" * DEEP, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP, "[" * 900 + "]" * 900, "", "'x'", "undefined", "\x00", "//"),
)
"""Each stands where a JSON file has a value."""
