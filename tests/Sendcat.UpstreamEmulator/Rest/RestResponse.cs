using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>A response: the HTTP status and the JSON body.</summary>
internal sealed record RestResponse(int Status, string Json)
{
    private static readonly JsonSerializerOptions SerializerOptions = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 128,
    };

    /// <summary>Serializes the body. Properties that are null are omitted.</summary>
    public static RestResponse Of(object body, int status = 200) => new(status, JsonSerializer.Serialize(body, SerializerOptions));
}

/// <summary>An upstream with JSON responses: its name in the statistics, and the format of its error responses.</summary>
internal interface IRestUpstream
{
    string Name { get; }

    /// <summary>The error response of this upstream for a status.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="message">The error message; null: the usual message of this upstream for the status.</param>
    RestResponse Refuse(int status, string? message = null);
}

/// <summary>One parsed request of a JSON upstream.</summary>
/// <param name="Route">The name of the route in the statistics and in the marker <c>at=</c>.</param>
/// <param name="Text">The query text with its markers. Requests with the same text count as attempts of one request.</param>
/// <param name="Refusal">The error response when the request is not valid: a bad key, a missing parameter.</param>
/// <param name="Answer">Creates the response from the text without markers.</param>
internal sealed record RestRequest(string Route, string Text, RestResponse? Refusal, Func<string, RestDirections, RestResponse> Answer)
{
    /// <summary>The body as JSON, for the log of received requests.</summary>
    public JsonElement Body { get; init; }
}
