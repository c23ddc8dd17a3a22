using System.Net;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>What every refusal looks like: status, code, plain text, and nothing of our insides.</summary>
internal static class Refusals
{
    private static readonly string[] Insides = ["Exception", "   at ", "Sendcat.", "Npgsql", "System.", "StackExchange", ".cs:line"];

    public static async Task<string> RefusedAsync(this HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == answer.StatusCode && code == answer.ErrorCode(), $"Expected {(int)status} {code}, found {(int)answer.StatusCode} {answer.ErrorCode()}: {text}");
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.All(Insides, word => Assert.DoesNotContain(word, text, StringComparison.Ordinal));
        if (status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
        {
            Assert.True(answer.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), "Retry-After is missing");
        }

        return text;
    }

    public static string? ErrorCode(this HttpResponseMessage answer) => answer.Header("x-sendcat-error-code");

    public static string? Header(this HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
