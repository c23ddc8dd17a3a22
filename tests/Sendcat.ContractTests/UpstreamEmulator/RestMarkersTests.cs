using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Markers in a query that control the emulated Serper, SerpAPI and eBay.</summary>
public sealed class RestMarkersTests : EmulatorTests
{
    [Fact]
    public async Task The_readme_documents_every_marker()
    {
        var readme = await Rest.Http.GetStringAsync("readme");
        readme = readme[readme.IndexOf("## Serper, SerpAPI, eBay", StringComparison.Ordinal)..];

        Assert.All(
            (await Rest.Http.GetFromJsonAsync<string[]>("rest/emulator/markers"))!, marker => Assert.Matches($"`{marker}[`=]", readme));
    }

    [Fact]
    public async Task An_error_status_has_the_body_format_of_its_upstream_and_retry_after()
    {
        using var serper = await Rest.SerperAsync("kettle [[emu status=429 retry-after=2]]");
        using var dated = await Rest.SerperAsync("kettle [[emu status=503 retry-after-date=3]]");
        using var serpApi = await Rest.SerpApiAsync("kettle [[emu status=429]]");
        using var ebay = await Rest.EbayAsync(
            "buy/browse/v1/item_summary/search?q=kettle%20[[emu%20status=429]]", await Rest.NewTokenAsync());

        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(2)), (serper.StatusCode, serper.Headers.RetryAfter?.Delta));
        Assert.Equal(429, (await RestClient.JsonAsync(serper)).GetProperty("statusCode").GetInt32());
        Assert.NotNull(dated.Headers.RetryAfter?.Date);
        Assert.Contains(
            "run out of searches", (await RestClient.JsonAsync(serpApi)).GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(2001, (await RestClient.JsonAsync(ebay)).GetProperty("errors")[0].GetProperty("errorId").GetInt32());
    }

    [Fact]
    public async Task A_fault_can_be_limited_to_one_upstream_one_route_and_the_first_attempts()
    {
        const string query = "kettle [[emu at=serper/shopping status-once=503]]";

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(query, "search"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(query, "shopping"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(query, "shopping"));

        Emulator.DirectRest("[[emu at=serper status=500]]");
        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync("pan", "search"));
        using (var other = await Rest.SerpApiAsync("pan"))
        {
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }

        Emulator.ClearRestDirections();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("pan", "search"));
    }

    [Theory]
    [InlineData("hang=before-headers", "before-headers")]
    [InlineData("hang=mid", "mid")]
    public async Task A_hanging_response_ends_when_the_client_disconnects_and_is_counted_as_aborted(string marker, string phase)
    {
        using var disconnect = new CancellationTokenSource();
        var pending = Rest.SerperAsync($"kettle [[emu {marker}]]", cancellationToken: disconnect.Token);
        await Emulator.Stats.WaitForAsync(s => s.Of("serper").Active == 1);
        if (phase == "mid")
        {
            var response = await pending;
            await using var body = await response.Content.ReadAsStreamAsync();
            Assert.True(await body.ReadAsync(new byte[16]) > 0);
            response.Dispose();
        }
        else
        {
            await disconnect.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
        }

        var stats = await Emulator.Stats.WaitForAsync(s => s.Of("serper").Aborted == 1);
        Assert.Equal((0, phase), (stats.Of("serper").Active, stats.RecentAborts[^1].Phase));
    }

    [Theory]
    [InlineData("cut=rst")]
    [InlineData("cut=fin")]
    public async Task A_cut_connection_is_a_network_error(string marker)
    {
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var response = await Rest.SerperAsync($"kettle [[emu {marker}]]");
            await response.Content.ReadAsStringAsync();
        });

        Assert.Equal(1, (await Emulator.Stats.WaitForAsync(s => s.Totals.Active == 0 && s.Totals.Started == 1)).Of("serper").Broken);
    }

    [Fact]
    public async Task A_body_can_be_truncated_another_shape_HTML_empty_slow_huge_or_contain_junk()
    {
        Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(Body("body=bad-json")));
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(Body("body=other-json")).RootElement.ValueKind);
        Assert.StartsWith("<!DOCTYPE html>", Body("body=html"), StringComparison.Ordinal);
        Assert.Empty(Body("body=empty"));
        Assert.Equal(Body("pieces=1"), Body("pieces=7 every=1ms headers=1ms"), ignoreCase: false);
        Assert.Equal(100_000, Body("giant=100000").Length);
        Assert.Empty(JsonDocument.Parse(Body("results=0")).RootElement.GetProperty("organic").EnumerateArray());
        Assert.Equal(4, JsonDocument.Parse(Body("results=1 junk")).RootElement.GetProperty("organic").GetArrayLength());

        string Body(string marker)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "serper/search")
            {
                Headers = { { "X-API-KEY", "k" } }, Content = JsonContent.Create(new { q = $"kettle [[emu {marker}]]" }),
            };
            using var response = Rest.Http.Send(request);
            using var reader = new StreamReader(response.Content.ReadAsStream());
            return reader.ReadToEnd();
        }
    }

    [Theory]
    [InlineData("no-such-marker")]
    [InlineData("at=serper/token")]
    [InlineData("hang=now")]
    public async Task An_invalid_marker_is_400_in_a_request_and_a_format_exception_in_a_direction(string marker)
    {
        using var response = await Rest.SerperAsync($"kettle [[emu {marker}]]");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Throws<FormatException>(() => Emulator.DirectRest($"[[emu {marker}]]"));
    }

    private async Task<HttpStatusCode> StatusAsync(string query, string route)
    {
        using var response = await Rest.SerperAsync(query, route);
        return response.StatusCode;
    }
}
