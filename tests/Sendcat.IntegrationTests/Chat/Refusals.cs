using System.Net;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The common form of all refusals: status, error code and plain text without internal details.</summary>
internal static class Refusals
{
    private static readonly string[] InternalDetails =
    [
        "Exception", "   at ", "Sendcat.", "Npgsql", "System.", "StackExchange", ".cs:line",
    ];

    /// <summary>Asserts that the response is such a refusal. 429 and 503 must have a <c>Retry-After</c> of at least one second.</summary>
    /// <param name="reason">The expected <c>x-sendcat-error-reason</c>; null: not checked.</param>
    /// <returns>The text of the refusal.</returns>
    public static async Task<string> RefusedAsync(
        this HttpResponseMessage response, HttpStatusCode status, string code, string? reason = null)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(
            status == response.StatusCode && code == response.ErrorCode(),
            $"Expected {(int)status} {code}, found {(int)response.StatusCode} {response.ErrorCode()}: {text}");
        if (reason is not null)
        {
            Assert.Equal(reason, response.Header("x-sendcat-error-reason"));
        }

        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.All(InternalDetails, word => Assert.DoesNotContain(word, text, StringComparison.Ordinal));
        if (status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
        {
            Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), "Retry-After is missing");
        }

        return text;
    }

    public static string? ErrorCode(this HttpResponseMessage response) => response.Header("x-sendcat-error-code");

    /// <summary>The values of the header, separated by commas; null without it.</summary>
    public static string? Header(this HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
