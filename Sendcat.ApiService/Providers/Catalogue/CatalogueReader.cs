using System.Globalization;
using System.Text.Json;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>Reads the provider's list of models. An entry without an id is no model; what else is missing or odd is unknown.</summary>
internal static class CatalogueReader
{
    private const decimal Million = 1_000_000;

    /// <summary>Dollars per token; nothing costs as much, and what is larger cannot be computed with.</summary>
    private const decimal HighestPrice = 1_000;

    /// <exception cref="JsonException">It is no list of models.</exception>
    public static Dictionary<string, CatalogueModel> Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("No list of models");
        }

        var models = new Dictionary<string, CatalogueModel>(StringComparer.Ordinal);
        foreach (var model in data.EnumerateArray().Where(model => model.ValueKind == JsonValueKind.Object))
        {
            if (model.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && ModelCatalogue.IsModelId(id.GetString()))
            {
                models[id.GetString()!] = new(Tools(model), Price(model), MaxOutput(model));
            }
        }

        return models;
    }

    private static bool? Tools(JsonElement model) =>
        model.TryGetProperty("supported_parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Array
            ? parameters.EnumerateArray().Any(name => name.ValueKind == JsonValueKind.String && name.ValueEquals("tools"u8))
            : null;

    private static ModelPrice? Price(JsonElement model) =>
        model.TryGetProperty("pricing", out var pricing) && pricing.ValueKind == JsonValueKind.Object && Dollars(pricing, "prompt") is { } input && Dollars(pricing, "completion") is { } output
            ? new(input * Million, output * Million)
            : null;

    /// <summary>Per token, written as text or number; models that choose others have a negative one, which is none.</summary>
    private static decimal? Dollars(JsonElement pricing, string name)
    {
        if (!pricing.TryGetProperty(name, out var value))
        {
            return null;
        }

        var text = value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null };
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var dollars) && dollars is >= 0 and <= HighestPrice ? dollars : null;
    }

    private static int? MaxOutput(JsonElement model) =>
        model.TryGetProperty("top_provider", out var top) && top.ValueKind == JsonValueKind.Object
        && top.TryGetProperty("max_completion_tokens", out var most) && most.ValueKind == JsonValueKind.Number && most.TryGetInt32(out var tokens) && tokens > 0
            ? tokens
            : null;
}
