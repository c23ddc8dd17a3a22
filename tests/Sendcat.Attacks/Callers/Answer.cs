using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Callers;

/// <summary>One answer, read to its end.</summary>
/// <param name="Code">Of the header <c>x-sendcat-error-code</c>.</param>
internal sealed record Answer(int Status, string? Code, string Text, HttpResponseHeaders Headers, HttpContentHeaders Content)
{
    /// <summary>429 and 503 must say when to come back.</summary>
    public bool SaysWhen => Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1);

    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidOperationException("The answer is null.");

    public string? Header(string name) => Headers.TryGetValues(name, out var values) || Content.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <exception cref="InvalidOperationException">It is no success.</exception>
    public Answer Expected() => Status is >= 200 and < 300 ? this : throw new InvalidOperationException($"{Status} {Code}: {Text}");

    public override string ToString() => $"{Status} {Code} {(Text.Length > 300 ? Text[..300] : Text)}";
}
