using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Sendcat.ContractTests.Http;

/// <summary>
/// Sends garbage in every part of a request that a client controls: path, query, headers, tokens, body.
/// None of it may cause an internal error.
/// </summary>
public sealed class FuzzTests(PostgresFixture postgres)
{
    private const string OpsKey = "an operator key for these tests";
    private const int RoundsPerRoute = 25;

    private static readonly string[] Garbage =
    [
        "", "\0", "a\0b", "%00", "\u00ff\u00fe", "'", "' or 1=1 --", "..", "../..", "🥭", "-1", "0", "1e400", "NaN", "99999999999999999999",
        "-9223372036854775809", "true", "null", "{}", "[]",
        "0199b1a0-0000-7000-8000-000000000001", "{0199b1a0-0000-7000-8000-000000000001}", "MXw2MzkxNzQ3MjAwMDAwMDAwMDB8AAAA", "*", "+/+/",
        "a.b.c", "..", "|", "||", "0001-01-01", "9999-12-31T23:59:59Z",
        new('a', 300), new('*', 43), new('*', 22), new(' ', 20), "\u2028", "x\r\ny",
    ];

    /// <summary>Values as JSON text, for the body.</summary>
    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1e999", "1e-999", "9223372036854775808", "123456789012345678901234567890", "\"\"", "\"\\u0000\"",
        "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udfff x\"", "[]", "{}", "[[[]]]", "{\"\\ud800\":1}", "{\"a\":\"\\ud800\"}",
        "[{\"type\":\"image/png\"}]", "\"0199b1a0-0000-7000-8000-000000000001\"",
        "\"0199b1a0-0000-7000-8000-000000000001.4102444800.AAAA\"",
        "\"0199b1a0-0000-7000-8000-000000000001.-1.\\u0000\"", "\"a@b.c\"", "\"password 1\"", "\"" + new string('x', 5_000) + "\"",
    ];

    private static readonly string[] Queries =
    [
        "cursor", "limit", "search", "stream", "sessionId", "q", "query", "tool", "fingerprint", "ids", "diedBefore", "minutes",
        "namespace", "maxDeletes", "format", "status", "sort", "category", "type", "externalId", "listId",
    ];

    private static readonly string[] Authorizations =
    [
        "", "Bearer", "Bearer ", "Basic x", "Bearer a.b." + new string('*', 43), "Bearer a.b." + new string('é', 43),
        "Bearer ." + new string('A', 43), "Bearer e30.e30." + new string('A', 43),
        "Bearer " + new string('.', 2_000), "Bearer \u00ff", $"Bearer {OpsKey}",
    ];

    [Fact]
    public async Task No_request_to_any_route_is_an_internal_error()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["OPS_API_KEY"] = OpsKey, ["EBAY_BASE_URL"] = "http://127.0.0.1:1" });
        var (_, tokens) = await api.UserAsync("fuzz@example.com");
        string[] validAuthorizations = [$"Bearer {tokens["accessToken"]}", ""];
        var session = (await api.GuestAsync()).DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        // A redirect leads to the web app, which does not run here.
        using var client = new HttpClient(
            new SocketsHttpHandler { AllowAutoRedirect = false, RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 })
        {
            BaseAddress = api.Anyone.BaseAddress,
        };
        var random = new Random(20_261_125);
        var failures = new List<string>();

        foreach (var route in api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .OrderBy(route => route.RoutePattern.RawText, StringComparer.Ordinal))
        {
            foreach (var method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                for (var round = 0; round < RoundsPerRoute; round++)
                {
                    using var request = Request(route, method, random, validAuthorizations, session);
                    var description = $"{request} {(request.Content is null ? "" : await request.Content.ReadAsStringAsync())}";
                    // A server may respond and close before it has read the body.
                    // A client that is still writing then sees a broken pipe and no response.
                    request.Headers.ExpectContinue = request.Content is not null;
                    using var response = await client.SendAsync(request);
                    var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes.First() : "";
                    if (response.StatusCode == HttpStatusCode.InternalServerError && code != "misconfigured")
                    {
                        failures.Add($"{description}\n→ {await response.Content.ReadAsStringAsync()}");
                    }
                }
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} internal errors, for instance:\n{string.Join("\n\n", failures.Take(5))}");
    }

    [Theory]
    [InlineData("80000000")]
    [InlineData("7fffffff")]
    [InlineData("ffffffff")]
    [InlineData("ffffffffffffffff")]
    [InlineData("fffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("-1")]
    [InlineData("0x10")]
    [InlineData("zz")]
    [InlineData("")]
    [InlineData("5;name=value")]
    public async Task An_invalid_chunk_size_is_a_client_error(string size)
    {
        var api = await postgres.ApiAsync();
        foreach (var path in new[] { "/api/auth/login", "/api/chat", "/api/threads" })
        {
            var response = await RawAsync(
                api.Anyone.BaseAddress!, $"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json",
                "Transfer-Encoding: chunked", "", size, "{\"a\":1}", "0", "", "");
            Assert.Matches("^(HTTP/1.1 4[0-9][0-9] |$)", response.Split('\n')[0]);
        }
    }

    [Theory]
    [InlineData("{\"value\":\"\\ud800\"}", "invalid_json")]
    [InlineData("{\"value\":{\"\\ud800\":1}}", "invalid_request")]
    [InlineData("{\"value\":\"a\\u0000b\"}", "invalid_request")]
    public async Task A_knob_value_with_a_lone_surrogate_or_NUL_is_rejected(string body, string code)
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = OpsKey });
        await (await api.WithBearer(OpsKey).PutAsync("/api/ops/knobs/EMAIL_FROM", body.AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, code);
    }

    private static HttpRequestMessage Request(
        RouteEndpoint route, string method, Random random, string[] validAuthorizations, string session)
    {
        var path = string.Join('/', route.RoutePattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
        {
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
            _ => Escaped(Pick(Garbage, random)) is { Length: > 0 } text ? text : "x",
        }))));
        var query = string.Join(
            '&',
            Enumerable.Range(0, random.Next(4)).Select(_ =>
            {
                var name = Pick(Queries, random);
                var value = random.Next(4) == 0
                    ? Pick(["%ED%A0%80", "%FF", "%", "%zz", "%00"], random)
                    : Escaped(Pick(Garbage, random));
                return $"{name}={value}";
            }));
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"/{path}?{query}", UriKind.Relative));
        if (route.RoutePattern.RawText?.Contains("/ops", StringComparison.Ordinal) is true && random.Next(3) > 0)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {OpsKey}");
        }
        else if ((random.Next(2) == 0 ? Pick(Authorizations, random) : Pick(validAuthorizations, random)) is { Length: > 0 } authorization)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (random.Next(2) == 0)
        {
            var garbage = random.Next(2) == 0 ? $"anon_x.{new string('*', 22)}" : Pick(Garbage, random).ReplaceLineEndings("");
            request.Headers.TryAddWithoutValidation("x-sendcat-session", random.Next(2) == 0 ? session : garbage.Replace('\0', '0'));
        }

        if (random.Next(8) == 0)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", ",,;é, ::ffff:1.2.3.4%eth0, 999.1.1.1");
        }

        if (method is not ("GET" or "HEAD" or "OPTIONS"))
        {
            request.Content = new StringContent(Body(route, random), Encoding.UTF8, "application/json");
            if (random.Next(10) == 0)
            {
                request.Content.Headers.Remove("Content-Type");
                request.Content.Headers.TryAddWithoutValidation(
                    "Content-Type",
                    Pick(["application/json; charset=\"", "application/json;;;", ";", "application/json; charset=\u00ff"], random));
            }
        }

        return request;
    }

    /// <summary>
    /// A JSON object with random values for the fields of the endpoint's request type. One body in six is a bare value or malformed.
    /// </summary>
    private static string Body(RouteEndpoint route, Random random)
    {
        if (random.Next(6) == 0)
        {
            return Pick([.. Values, "{", "", "\"", "{\"a\":", new string('[', 200)], random);
        }

        var known = route.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType?.GetProperties().Select(property => JsonName(property.Name))
            ?? [];
        string[] names = [.. known, "sessionId", "threadId", "value"];
        return $"{{{string.Join(',', names.Where(_ => random.Next(4) > 0).Select(name => $"\"{name}\":{Pick(Values, random)}"))}}}";
    }

    private static string JsonName(string name) => char.ToLower(name[0], CultureInfo.InvariantCulture) + name[1..];

    private static string Escaped(string text) => Uri.EscapeDataString(text);

    private static T Pick<T>(T[] choices, Random random) => choices[random.Next(choices.Length)];

    private static async Task<string> RawAsync(Uri address, params string[] lines)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, timeout.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", lines)), timeout.Token);
        client.Client.Shutdown(SocketShutdown.Send);
        var response = new MemoryStream();
        try
        {
            await stream.CopyToAsync(response, timeout.Token);
        }
        catch (IOException)
        {
            // A server may close the connection as its response.
        }

        return Encoding.UTF8.GetString(response.ToArray());
    }
}
