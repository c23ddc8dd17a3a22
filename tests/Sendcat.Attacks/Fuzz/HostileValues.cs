namespace Sendcat.Attacks.Fuzz;

/// <summary>Values that parsers, stores and pages often fail on.</summary>
internal static class HostileValues
{
    /// <summary>Unescaped values for a path, a query or a header.</summary>
    public static readonly string[] Texts =
    [
        "", "\0", "a\0b", "%00", "%", "%zz", "%ED%A0%80", "%FF", "%C0%80", "\u00ff\u00fe", "'", "\"", "' or 1=1 --",
        "'; drop table messages; --", "..", "../..", "..%2f..%2f", "....//", "🥭", "\u202e\u2028",
        "-1", "0", "1", "1e400", "NaN", "Infinity", "99999999999999999999", "-9223372036854775809", "0x10", "1,2", "true", "null",
        "undefined", "{}", "[]",
        "00000000-0000-0000-0000-000000000000", "{0199b1a0-0000-7000-8000-000000000001}", "0199b1a000007000800000000000000", "*", "+/+/",
        "=", "a.b.c", "|", "||", "v1||", "0001-01-01", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00",
        new('a', 300), new('*', 43), new('.', 100), new('9', 400), new(' ', 20), "<script>alert(1)</script>", "javascript:alert(1)",
        "${7*7}", "{{7*7}}", "$(id)", "\\..\\..", "/etc/passwd", "http://127.0.0.1/", "x\ty",
    ];

    /// <summary>JSON values for the properties of a body.</summary>
    public static readonly string[] Json =
    [
        "null", "true", "0", "-1", "-0", "0.1", "1e999", "1e-999", "9223372036854775808", "123456789012345678901234567890", "1E+400",
        "\"\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udfff x\"", "\"\\ud83e\\udd6d\"",
        "\"\u2028\u202e\"", "[]", "{}", "[[[]]]", "[null]", "{\"\\ud800\":1}", "{\"a\":\"\\ud800\"}", "{\"\":{}}",
        "[{\"type\":\"image/png\"}]", "[{\"id\":1,\"role\":\"user\",\"parts\":[{\"type\":\"text\"}]}]",
        "\"0199b1a0-0000-7000-8000-000000000001\"", "\"a@b.c\"", "\"@\"", "\"password 1\"", "\"' or 1=1 --\"", "\"<script>\"",
        "\"javascript:alert(1)\"", "\"http://127.0.0.1:1/\"", "\"2026-13-45T99:99:99Z\"",
        "\"" + new string('x', 5_000) + "\"", "\"" + string.Concat(Enumerable.Repeat("\\u00e9", 3_000)) + "\"",
        new string('[', 70) + new string(']', 70), new string('[', 3_000) + new string(']', 3_000), Nested(200),
        "\"" + new string('y', 70_000) + "\"",
    ];

    /// <summary>Bodies that are not valid JSON objects.</summary>
    public static readonly string[] Bodies =
    [
        "", "{", "}", "\"", "{\"a\":", "[1,", "nul", "\u00ef\u00bb\u00bf{}", "{}{}", "{\"a\":1,}", "{'a':1}", "/* */{}", "NaN", "\0",
        new('[', 200), new(' ', 70_000), "{\"a\":\"\\x\"}", "{\"a\":\"\n\"}", "<a/>", "a=b&c=d",
    ];

    public static readonly (string Name, string Value)[] Headers =
    [
        ("Authorization", ""), ("Authorization", "Bearer"), ("Authorization", "Bearer "), ("Authorization", "Basic eDp5"),
        ("Authorization", "Bearer a.b." + new string('*', 43)), ("Authorization", "Bearer e30.e30." + new string('A', 43)),
        ("Authorization", "Bearer " + new string('.', 3_000)), ("Authorization", "Bearer \u00ff\u00fe"),
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."), ("x-sendcat-session", "anon_x." + new string('*', 22)),
        ("x-sendcat-session", new string('s', 200)),
        ("x-sendcat-session", "auth-x"), ("x-sendcat-session", "\u00e9"), ("Content-Type", "text/plain"),
        ("Content-Type", "application/json; charset=\""), ("Content-Type", ";"), ("Content-Type", "application/json;;;"),
        ("Content-Type", "multipart/form-data; boundary="),
        ("Content-Type", "application/json; charset=utf-16"), ("Accept", "\u00ff"), ("Accept", "text/event-stream;q=nan"),
        ("Accept-Encoding", "gzip, br, zstd;q=2"), ("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", "\u00e9"),
        ("X-Forwarded-For", ",,;\u00e9, ::ffff:1.2.3.4%eth0, 999.1.1.1"), ("X-Forwarded-Proto", "javascript"),
        ("Forwarded", "for=\"[::1\""), ("Range", "bytes=-1,0-,9-1"), ("If-None-Match", "\"\""), ("If-Modified-Since", "never"),
        ("Cookie", "a=b; ;=;\u00ff"),
        ("Expect", "100-continue"), ("Expect", "200-ok"), ("traceparent", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff"),
        ("traceparent", "zz"), ("tracestate", new string('=', 600)), ("baggage", "a=%FF%00;;;,=,"), ("sentry-trace", "x-y-z"),
        ("Upgrade", "h2c"), ("Upgrade", "websocket"), ("Connection", "Upgrade, HTTP2-Settings"), ("TE", "trailers"),
        ("X-HTTP-Method-Override", "DELETE"), ("Content-Encoding", "gzip"), ("Content-Encoding", "deflate, br"),
        ("Last-Event-ID", "99999999999999999999"), ("Accept-Language", new string('x', 4_000)),
    ];

    private static string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
}
