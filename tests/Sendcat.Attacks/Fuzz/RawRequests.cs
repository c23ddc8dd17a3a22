using System.Text;

namespace Sendcat.Attacks.Fuzz;

/// <summary>
/// Invalid HTTP that a library refuses to send. The client shuts down its side of the connection after each request, so that the server
/// does not wait for missing bytes.
/// </summary>
internal static class RawRequests
{
    private const string Valid =
        "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"
        + "{\"refreshToken\":\"abc\"}";

    private static readonly string[] Lines =
    [
        "GET", "GET /", "GET / HTTP/0.9", "GET / HTTP/9.9", "GET / HTTP/1.1 x", " GET / HTTP/1.1", "GET  /  HTTP/1.1", "G\0T / HTTP/1.1",
        "get / http/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT x:1 HTTP/1.1", "GET http://x/api/threads HTTP/1.1",
        "GET http://x:99999/ HTTP/1.1", "GET //// HTTP/1.1", "GET /%2e%2e/%2e%2e HTTP/1.1", "GET /\u00ff HTTP/1.1",
        "GET /api/threads?%00=%00 HTTP/1.1", "GET /api/threads#x HTTP/1.1", "PRI * HTTP/2.0", new string('A', 9_000) + " / HTTP/1.1",
        "GET /" + new string('a', 9_000) + " HTTP/1.1",
    ];

    private static readonly string[] HeaderLines =
    [
        "", "Host", "Host x", "Host : x", ": x", "Host: x\r\nHost: y", "Host: x\r\n folded: y", "Host: x\r\nA\0B: c", "Host: x\r\nA: b\0c",
        "Host: x\nA: b", "Host: x\r\nA: \u00ff\u00fe", "Host: x\r\nA: b\r\nA: b", "Host: x\r\nA: " + new string('a', 40_000),
        "Host: x\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", 200)), "Host: " + new string('h', 300), "Host: x:y", "Host: [::1",
        "Host: x\r\nConnection: close, keep-alive, \u0001", "Host: x\r\nContent-Length: 5\r\nContent-Length: 6",
    ];

    private static readonly string[] Bodies =
    [
        "Content-Length: -1\r\n\r\n{}", "Content-Length: 99999999999999999999\r\n\r\n{}", "Content-Length: +2\r\n\r\n{}",
        "Content-Length: 2, 2\r\n\r\n{}", "Content-Length: 50\r\n\r\n{}", "Content-Length: 1\r\n\r\n{}{}{}",
        "Content-Length: 9999999\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\n{}", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n80000000\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2;a=\"\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: y\r\nContent-Length: 3\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2;" + new string('e', 20_000) + "\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n",
    ];

    public static FuzzRequest Next(Random random)
    {
        var bytes = random.Next(8) switch
        {
            0 => Noise(random, random.Next(1, 2_000)),
            1 => Damaged(random),
            2 => Encoding.Latin1.GetBytes(Valid)[..random.Next(1, Valid.Length)],
            3 => Latin1($"{Any(Lines, random)}\r\nHost: x\r\n\r\n"),
            4 => Latin1($"GET /api/threads HTTP/1.1\r\n{Any(HeaderLines, random)}\r\n\r\n"),
            5 => Latin1(
                $"POST {Any(["/api/auth/refresh", "/api/chat", "/api/threads", "/api/profile"], random)} HTTP/1.1\r\n"
                + $"Host: x\r\nContent-Type: application/json\r\n{Any(Bodies, random)}"),
            6 => random.Next(2) == 0
                ? [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Noise(random, 200)]
                : [0x16, 0x03, 0x01, 0x02, 0x00, .. Noise(random, 300)],
            _ => Latin1(string.Concat(Enumerable.Repeat("GET /api/threads HTTP/1.1\r\nHost: x\r\n\r\n", random.Next(2, 20)))),
        };
        return new(bytes, null, ShutsDownSend: true);
    }

    private static byte[] Damaged(Random random)
    {
        var bytes = Latin1(Valid);
        for (var n = random.Next(1, 6); n > 0; n--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }

    private static byte[] Noise(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static string Any(string[] choices, Random random) => choices[random.Next(choices.Length)];
}
