using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Callers;

/// <summary>A response of the API with its complete body.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The header <c>x-sendcat-error-code</c>; null without it.</param>
/// <param name="Text">The body.</param>
/// <param name="Headers">The response headers.</param>
/// <param name="Content">The content headers.</param>
internal sealed record ApiResponse(int Status, string? Code, string Text, HttpResponseHeaders Headers, HttpContentHeaders Content)
{
    /// <summary>Whether <c>Retry-After</c> is at least 1 s. Responses with 429 and 503 must have it.</summary>
    public bool HasRetryAfter => Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1);

    /// <summary>The body as JSON.</summary>
    /// <exception cref="InvalidOperationException">The body is the JSON literal null.</exception>
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidOperationException("The response is the JSON literal null.");

    /// <summary>The values of a response or content header, separated by commas; null without it.</summary>
    public string? Header(string name) =>
        Headers.TryGetValues(name, out var values) || Content.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <exception cref="InvalidOperationException">The status is not 2xx.</exception>
    public ApiResponse EnsureSuccess() =>
        Status is >= 200 and < 300 ? this : throw new InvalidOperationException($"{Status} {Code}: {Text}");

    public override string ToString() => $"{Status} {Code} {(Text.Length > 300 ? Text[..300] : Text)}";
}
