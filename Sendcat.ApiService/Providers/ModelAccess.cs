using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>Whether a caller may ask a model. A model that no list names and the catalogue does not price is nobody's to ask.</summary>
internal sealed class ModelAccess(IOptionsMonitor<ModelAccessOptions> options, IOptionsMonitor<ProviderRouteOptions> routes, ModelCatalogue catalogue)
{
    /// <summary>In a list: the models of <c>CHAT_MODEL_*</c>.</summary>
    public const string Configured = "configured";

    /// <summary>In a list: the configured models, and those of the catalogue up to the highest price.</summary>
    public const string Catalogue = "*";

    private ModelList _guests = new("");
    private ModelList _users = new("");

    /// <param name="guest">A caller with a guest's limits.</param>
    public bool Allows(string model, bool guest)
    {
        var knobs = options.CurrentValue;
        var list = guest ? Current(ref _guests, knobs.GuestModels) : Current(ref _users, knobs.UserModels);
        return list.Ids.Contains(model)
            || ((list.HasConfigured || list.HasCatalogue) && routes.CurrentValue.Configures(model))
            || (list.HasCatalogue && catalogue.PriceOf(model) is { } price && price.Output <= (decimal)knobs.MaxOutputPrice);
    }

    /// <summary>Reads a list anew only when the knob has changed.</summary>
    private static ModelList Current(ref ModelList known, string text) => known.Text == text ? known : known = new(text);

    private sealed record ModelList(string Text)
    {
        public FrozenSet<string> Ids { get; } = Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

        public bool HasConfigured => Ids.Contains(Configured);

        public bool HasCatalogue => Ids.Contains(Catalogue);
    }
}
