using System.Buffers;
using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>
/// What is known about models. Answers at once, always: from the built-in table, refined by the provider's live catalogue as it was last seen. A stale
/// catalogue is still used while <see cref="CatalogueRefresh"/> fetches a new one.
/// </summary>
internal sealed class ModelCatalogue(IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time)
{
    /// <summary>After this a fetched catalogue is fetched again when somebody asks.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(15);

    /// <summary>Together with the length the same as <see cref="ProviderRouteOptions.ModelIdPattern"/>.</summary>
    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/-");

    private readonly SemaphoreSlim _wanted = new(0, 1);
    private (string Text, FrozenDictionary<string, string> Classes) _configured = ("", FrozenDictionary<string, string>.Empty);
    private FrozenDictionary<string, CatalogueModel> _live = FrozenDictionary<string, CatalogueModel>.Empty;
    private long _staleAt;
    private int _asked;

    /// <summary>Whether a text may be the id of a model at all.</summary>
    public static bool IsModelId(string? text) => text is { Length: >= 3 and <= 120 } && !text.AsSpan().ContainsAnyExcept(IdCharacters);

    /// <summary>The class by configuration, else by the table of exact ids, else the default class.</summary>
    public string ClassOf(string? model)
    {
        var knobs = options.CurrentValue;
        return model is null ? knobs.DefaultModelClass
            : Configured(knobs.ModelClasses).TryGetValue(model, out var configured) ? configured
            : ModelTable.ClassOf(model) ?? knobs.DefaultModelClass;
    }

    /// <summary>Whether the model takes tools is the live catalogue's word if it knows the model; whether it is prompted as a thinker is the table's, since most models can think when asked to.</summary>
    public ModelCapability CapabilityOf(string model)
    {
        AskForRefresh();
        var known = ModelTable.CapabilityOf(model) ?? ModelTable.Guess(model);
        return Volatile.Read(ref _live).TryGetValue(model, out var live) && live.Tools is { } tools && tools != known.NativeTools ? known with { NativeTools = tools } : known;
    }

    /// <summary>What the model costs, by the live catalogue, or by the table while that is away. Null: it is not in there, or has no fixed price.</summary>
    public ModelPrice? PriceOf(string model)
    {
        AskForRefresh();
        var live = Volatile.Read(ref _live);
        return live.Count == 0 ? ModelTable.PriceOf(model) : live.GetValueOrDefault(model)?.Price;
    }

    /// <summary>How many tokens one answer of the model may have; null: unknown.</summary>
    public int? MaxOutputOf(string model) => Volatile.Read(ref _live).GetValueOrDefault(model)?.MaxOutputTokens;

    /// <summary>Completes when somebody has asked and the catalogue was stale.</summary>
    internal Task WantedAsync(CancellationToken cancellationToken) => _wanted.WaitAsync(cancellationToken);

    /// <param name="models">By id; null when the fetch failed and what was known stays.</param>
    internal void Refreshed(IReadOnlyDictionary<string, CatalogueModel>? models, TimeSpan freshFor)
    {
        if (models is not null)
        {
            Volatile.Write(ref _live, models.ToFrozenDictionary(StringComparer.Ordinal));
        }

        Volatile.Write(ref _staleAt, time.GetTimestamp() + (long)(freshFor.TotalSeconds * time.TimestampFrequency));
        Volatile.Write(ref _asked, 0);
    }

    private void AskForRefresh()
    {
        var staleAt = Volatile.Read(ref _staleAt);
        if ((staleAt == 0 || time.GetTimestamp() >= staleAt) && options.CurrentValue.CatalogueEnabled && Interlocked.Exchange(ref _asked, 1) == 0)
        {
            _wanted.Release();
        }
    }

    private FrozenDictionary<string, string> Configured(string text)
    {
        if (!string.Equals(_configured.Text, text, StringComparison.Ordinal))
        {
            var pairs = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2, StringSplitOptions.TrimEntries))
                .Where(pair => pair.Length == 2);
            _configured = (text, pairs.DistinctBy(pair => pair[0], StringComparer.Ordinal).ToFrozenDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal));
        }

        return _configured.Classes;
    }
}
