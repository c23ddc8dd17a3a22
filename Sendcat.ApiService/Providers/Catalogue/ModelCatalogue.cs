using System.Buffers;
using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>
/// Capabilities, prices and limits of models. It never waits: it uses the built-in table and the last fetched live catalogue of the
/// provider. A stale catalogue stays in use while <see cref="CatalogueRefresh"/> fetches a new one.
/// </summary>
internal sealed class ModelCatalogue(IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time)
{
    /// <summary>Age after which a fetched catalogue is stale; the next use requests a refresh.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(15);

    /// <summary>The characters of <see cref="ProviderRouteOptions.ModelIdPattern"/>; <see cref="IsModelId"/> checks its length.</summary>
    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/-");

    private readonly AutoResetSignal _refreshSignal = new(time);
    private (string Text, FrozenDictionary<string, string> Classes) _configured = ("", FrozenDictionary<string, string>.Empty);
    private FrozenDictionary<string, CatalogueModel> _live = FrozenDictionary<string, CatalogueModel>.Empty;
    private long _staleAt;
    private int _refreshRequested;

    /// <summary>True if the text has the form of a model id: 3 to 120 allowed characters.</summary>
    public static bool IsModelId(string? text) => text is { Length: >= 3 and <= 120 } && !text.AsSpan().ContainsAnyExcept(IdCharacters);

    /// <summary>
    /// The class from the configuration, or else from the built-in table and the words of the id, or else the default class.
    /// </summary>
    public string ClassOf(string? model)
    {
        var knobs = options.CurrentValue;
        return model is null ? knobs.DefaultModelClass
            : Configured(knobs.ModelClasses).TryGetValue(model, out var configured) ? configured
            : ModelTable.ClassOf(model) ?? knobs.DefaultModelClass;
    }

    /// <summary>
    /// Support of tools, images and files comes from the live catalogue if it lists the model. Reasoning always comes from the built-in
    /// table: the live catalogue lists most models as able to reason on request, which is not the same.
    /// </summary>
    public ModelCapability CapabilityOf(string model)
    {
        RequestRefresh();
        var known = ModelTable.CapabilityOf(model) ?? ModelTable.Guess(model);
        if (!Volatile.Read(ref _live).TryGetValue(model, out var live))
        {
            return known;
        }

        var (tools, vision, files) = (live.Tools ?? known.NativeTools, live.Vision ?? known.Vision, live.Files ?? known.Files);
        return tools == known.NativeTools && vision == known.Vision && files == known.Files
            ? known
            : known with { NativeTools = tools, Vision = vision, Files = files };
    }

    /// <summary>The ids of the live catalogue, or of the built-in table while no live catalogue is available.</summary>
    public IReadOnlyCollection<string> Ids()
    {
        RequestRefresh();
        var live = Volatile.Read(ref _live);
        return live.Count == 0 ? [.. ModelTable.Ids] : live.Keys;
    }

    /// <summary>The provider's name of a model of the live catalogue; else the last part of the id.</summary>
    public string NameOf(string model) =>
        Volatile.Read(ref _live).GetValueOrDefault(model)?.Name ?? model[(model.LastIndexOf('/') + 1)..];

    /// <summary>
    /// The price from the live catalogue, or from the built-in table while no live catalogue is available. Null: the model is not listed
    /// there or has no fixed price.
    /// </summary>
    public ModelPrice? PriceOf(string model)
    {
        RequestRefresh();
        var live = Volatile.Read(ref _live);
        return live.Count == 0 ? ModelTable.PriceOf(model) : live.GetValueOrDefault(model)?.Price;
    }

    /// <summary>Maximum tokens of one response of the model; null: unknown.</summary>
    public int? MaxOutputOf(string model) => Volatile.Read(ref _live).GetValueOrDefault(model)?.MaxOutputTokens;

    /// <summary>Completes when the catalogue was used while stale.</summary>
    internal ValueTask WaitForRefreshRequestAsync(CancellationToken cancellationToken) => _refreshSignal.WaitAsync(cancellationToken);

    /// <param name="models">The models by id; null: the fetch failed, and the previous catalogue stays.</param>
    /// <param name="freshFor">Time after which the next use requests a refresh.</param>
    internal void ApplyRefresh(IReadOnlyDictionary<string, CatalogueModel>? models, TimeSpan freshFor)
    {
        if (models is not null)
        {
            Volatile.Write(ref _live, models.ToFrozenDictionary(StringComparer.Ordinal));
        }

        Volatile.Write(ref _staleAt, time.GetTimestamp() + (long)(freshFor.TotalSeconds * time.TimestampFrequency));
        Volatile.Write(ref _refreshRequested, 0);
    }

    private void RequestRefresh()
    {
        var staleAt = Volatile.Read(ref _staleAt);
        if ((staleAt == 0 || time.GetTimestamp() >= staleAt)
            && options.CurrentValue.CatalogueEnabled
            && Interlocked.Exchange(ref _refreshRequested, 1) == 0)
        {
            _refreshSignal.Set();
        }
    }

    private FrozenDictionary<string, string> Configured(string text)
    {
        if (!string.Equals(_configured.Text, text, StringComparison.Ordinal))
        {
            var pairs = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2, StringSplitOptions.TrimEntries))
                .Where(pair => pair.Length == 2);
            var classes = pairs.DistinctBy(pair => pair[0], StringComparer.Ordinal)
                .ToFrozenDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
            _configured = (text, classes);
        }

        return _configured.Classes;
    }
}
