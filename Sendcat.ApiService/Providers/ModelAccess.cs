using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// Decides whether a caller may use a model. A model that is in no list and has no price in the catalogue is denied to every caller.
/// </summary>
internal sealed class ModelAccess(
    IOptionsMonitor<ModelAccessOptions> options, IOptionsMonitor<ProviderRouteOptions> routes, ModelCatalogue catalogue)
{
    /// <summary>List entry that stands for the models of <c>CHAT_MODEL_*</c>.</summary>
    public const string Configured = "configured";

    /// <summary>List entry that stands for the configured models and for the models of the catalogue up to the maximum price.</summary>
    public const string Catalogue = "*";

    private ModelList _guests = new("");
    private ModelList _users = new("");

    /// <param name="guest">True: the caller has the limits of a guest.</param>
    public bool Allows(string model, bool guest)
    {
        var list = ListOf(guest);
        return list.Ids.Contains(model)
            || ((list.HasConfigured || list.HasCatalogue) && routes.CurrentValue.Configures(model))
            || (list.HasCatalogue && catalogue.PriceOf(model) is { } price && price.Output <= (decimal)options.CurrentValue.MaxOutputPrice);
    }

    /// <summary>The ids of all models that <see cref="Allows"/> allows, in no order.</summary>
    /// <param name="guest">True: the caller has the limits of a guest.</param>
    public IReadOnlyList<string> AllowedTo(bool guest)
    {
        var knobs = routes.CurrentValue;
        var list = ListOf(guest);
        string[] named =
        [
            knobs.FastPrimaryModel, knobs.FastSecondaryModel, knobs.AgentPrimaryModel, knobs.AgentSecondaryModel, .. catalogue.Ids(),
        ];
        return [
            .. named.Concat(list.Ids.Where(entry => entry is not (Configured or Catalogue))).Distinct(StringComparer.Ordinal)
                .Where(model => Allows(model, guest))];
    }

    private ModelList ListOf(bool guest) =>
        guest ? Current(ref _guests, options.CurrentValue.GuestModels) : Current(ref _users, options.CurrentValue.UserModels);

    /// <summary>Parses the list again only when the knob has changed.</summary>
    private static ModelList Current(ref ModelList cached, string text) => cached.Text == text ? cached : cached = new(text);

    private sealed record ModelList(string Text)
    {
        public FrozenSet<string> Ids { get; } =
            Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

        public bool HasConfigured => Ids.Contains(Configured);

        public bool HasCatalogue => Ids.Contains(Catalogue);
    }
}
