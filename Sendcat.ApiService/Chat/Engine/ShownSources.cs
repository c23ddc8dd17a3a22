using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The web pages that the user sees beside a message.</summary>
internal static class ShownSources
{
    /// <summary>The pages as JSON for the message, each address once.</summary>
    /// <returns>Null if there are no pages.</returns>
    public static string? Json(IEnumerable<SearchWebHit> hits)
    {
        MessageSource[] sources =
        [
            .. hits.DistinctBy(hit => hit.Link, StringComparer.Ordinal).Select(hit => new MessageSource(hit.Title, hit.Link, hit.Snippet)),
        ];
        return sources.Length == 0 ? null : JsonSerializer.Serialize(sources, MessageSourceJson.Default.MessageSourceArray);
    }
}

/// <summary>A web page as a message stores it and as clients show it.</summary>
internal sealed record MessageSource(string Title, string Url, string? Snippet);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MessageSource[]))]
internal sealed partial class MessageSourceJson : JsonSerializerContext;
