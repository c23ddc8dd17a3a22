using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>A status and the JSON that goes with it.</summary>
internal sealed record RestAnswer(int Status, string Json)
{
    private static readonly JsonSerializerOptions AsProvidersWrite = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 128,
    };

    /// <summary>Null properties are left out.</summary>
    public static RestAnswer Of(object body, int status = 200) => new(status, JsonSerializer.Serialize(body, AsProvidersWrite));
}

/// <summary>An upstream that answers with JSON: its name in statistics, and how it words its refusals.</summary>
internal interface IRestUpstream
{
    string Name { get; }

    /// <param name="message">Null: what this upstream says with such a status.</param>
    RestAnswer Refuse(int status, string? message = null);
}

/// <summary>One request as its upstream understood it.</summary>
/// <param name="Route">Its name in statistics and in <c>at=</c>.</param>
/// <param name="Text">What is asked, markers included; also what tells one question from another.</param>
/// <param name="Refusal">Set when it cannot be answered: a bad key, a missing parameter.</param>
/// <param name="Answer">Makes the answer from the text without markers.</param>
internal sealed record RestQuestion(string Route, string Text, RestAnswer? Refusal, Func<string, RestDirections, RestAnswer> Answer)
{
    /// <summary>The body as JSON, for the log of received requests.</summary>
    public JsonElement Body { get; init; }
}
