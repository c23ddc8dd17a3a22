using System.Globalization;
using System.Text.Json;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>
/// Reads the provider's list of models. An entry without a valid id is skipped. Other missing or invalid values count as unknown.
/// </summary>
internal static class CatalogueReader
{
    private const decimal Million = 1_000_000;

    /// <summary>
    /// Maximum plausible price in US dollars per token. A higher value counts as unknown, so that calculations cannot overflow.
    /// </summary>
    private const decimal MaxPrice = 1_000;

    /// <summary>Characters.</summary>
    private const int LongestName = 200;

    /// <returns>The models by id.</returns>
    /// <exception cref="JsonException">The document is not a list of models.</exception>
    public static Dictionary<string, CatalogueModel> Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetPart("data", out var data) || data.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("The model catalogue has no array \"data\".");
        }

        var models = new Dictionary<string, CatalogueModel>(StringComparer.Ordinal);
        foreach (var model in data.EnumerateArray().Where(model => model.ValueKind == JsonValueKind.Object))
        {
            if (Text(model, "id") is { } id && ModelCatalogue.IsModelId(id))
            {
                models[id] = new(Tools(model), Price(model), MaxOutput(model))
                {
                    Name = Name(model), Vision = Accepts(model, "image"), Files = Accepts(model, "file"),
                };
            }
        }

        return models;
    }

    private static bool? Tools(JsonElement model) =>
        model.TryGetPart("supported_parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Array
            ? Contains(parameters, "tools")
            : null;

    private static string? Name(JsonElement model) =>
        Text(model, "name") is { } name && StoredText.HasText(name, LongestName) ? name : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetPart(name, out var text) && text.ValueKind == JsonValueKind.String ? LenientJsonString.ReadWellFormed(text) : null;

    private static bool? Accepts(JsonElement model, string modality)
    {
        if (!model.TryGetPart("architecture", out var architecture) || architecture.ValueKind != JsonValueKind.Object
            || !architecture.TryGetPart("input_modalities", out var modalities) || modalities.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return Contains(modalities, modality);
    }

    private static bool Contains(JsonElement names, string name) =>
        names.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && LenientJsonString.ReadWellFormed(item) == name);

    private static ModelPrice? Price(JsonElement model) =>
        model.TryGetPart("pricing", out var pricing) && pricing.ValueKind == JsonValueKind.Object
        && Dollars(pricing, "prompt") is { } input && Dollars(pricing, "completion") is { } output
            ? new(input * Million, output * Million)
            : null;

    /// <summary>
    /// The price per token, given as text or number. Router models, which forward to other models, have a negative price, which counts as
    /// unknown.
    /// </summary>
    private static decimal? Dollars(JsonElement pricing, string name)
    {
        if (!pricing.TryGetPart(name, out var value))
        {
            return null;
        }

        var text = value.ValueKind switch
        {
            JsonValueKind.String => LenientJsonString.ReadWellFormed(value),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var dollars) && dollars is >= 0 and <= MaxPrice
            ? dollars
            : null;
    }

    private static int? MaxOutput(JsonElement model) =>
        model.TryGetPart("top_provider", out var top) && top.ValueKind == JsonValueKind.Object
        && top.TryGetPart("max_completion_tokens", out var max) && max.ValueKind == JsonValueKind.Number
        && max.TryGetInt32(out var tokens) && tokens > 0
            ? tokens
            : null;
}
