using Npgsql;
using Sendcat.Reliability.Outbound.Ebay;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>eBay's category tree as the worker keeps it, in memory: looked through by every product search that names a category. Once a minute it is asked whether there is another.</summary>
internal sealed class EbayCategories(NpgsqlDataSource database, TimeProvider time, ILogger<EbayCategories> logger) : IDisposable
{
    /// <summary>A category is a help, not a need.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _looking = new(1, 1);
    private volatile Kept? _kept;

    /// <returns>The category that is meant by a name; null if none is near enough, or the database is away, which the search survives.</returns>
    public async Task<string?> FindIdAsync(string marketplace, string name, CancellationToken cancellationToken)
    {
        if (CategoryName.Of(name) is not { Words.Count: > 0 } wanted)
        {
            return null;
        }

        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return wanted.Nearest(await CategoriesAsync(marketplace, either.Token));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            logger.CategoriesUnreachable(exception.Message);
            return _kept is { } old && old.Marketplace == marketplace ? wanted.Nearest(old.Categories) : null;
        }
    }

    public void Dispose() => _looking.Dispose();

    private async ValueTask<IReadOnlyList<NamedCategory>> CategoriesAsync(string marketplace, CancellationToken cancellationToken)
    {
        if (Known(marketplace) is { } known)
        {
            return known;
        }

        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (Known(marketplace) is { } meanwhile)
            {
                return meanwhile;
            }

            var (old, now) = (_kept is { } kept && kept.Marketplace == marketplace ? kept : null, time.GetTimestamp());
            if (old is not null)
            {
                // A database that is away is not asked again by each search of the next minute.
                _kept = old with { Looked = now };
            }

            var fetched = await FetchedAtAsync(marketplace, cancellationToken);
            if (old is null || old.FetchedAt != fetched)
            {
                _kept = new(marketplace, fetched, fetched is null ? [] : await ReadAsync(marketplace, cancellationToken), now);
            }

            return _kept!.Categories;
        }
        finally
        {
            _looking.Release();
        }
    }

    private IReadOnlyList<NamedCategory>? Known(string marketplace) =>
        _kept is { } kept && kept.Marketplace == marketplace && time.GetElapsedTime(kept.Looked) < LookEvery ? kept.Categories : null;

    /// <returns>Null: it was never fetched.</returns>
    private async Task<DateTime?> FetchedAtAsync(string marketplace, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- check ebay categories
            select fetched_at from reliability.ebay_taxonomy_meta where marketplace_id = $1
            """);
        command.Parameters.Add(new() { Value = marketplace });
        return (DateTime?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<NamedCategory>> ReadAsync(string marketplace, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- read ebay categories
            select category_id, normalized_name, leaf from reliability.ebay_categories where marketplace_id = $1
            """);
        command.Parameters.Add(new() { Value = marketplace });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var categories = new List<NamedCategory>();
        while (await reader.ReadAsync(cancellationToken))
        {
            categories.Add(new(reader.GetString(0), reader.GetString(1), reader.GetBoolean(2)));
        }

        return categories;
    }

    /// <param name="FetchedAt">When the worker fetched it; null: it did not yet.</param>
    /// <param name="Looked">Timestamp of the last look whether there is another.</param>
    private sealed record Kept(string Marketplace, DateTime? FetchedAt, IReadOnlyList<NamedCategory> Categories, long Looked);
}

/// <param name="Name">Normalized.</param>
internal readonly record struct NamedCategory(string Id, string Name, bool Leaf);

/// <param name="Text">As the tree's names are kept.</param>
internal sealed record CategoryName(string Text, IReadOnlySet<string> Words)
{
    public const int NearEnough = 60;

    public static CategoryName Of(string name) => new(CategoryNames.Normalized(name), CategoryNames.Words(name).ToHashSet(StringComparer.Ordinal));

    /// <returns>Id of the likeliest, of equals the one with the shorter name, then with the smaller id, whatever their order; null if none is near enough.</returns>
    public string? Nearest(IReadOnlyList<NamedCategory> categories)
    {
        (NamedCategory Category, int Likeness) best = (default, NearEnough - 1);
        foreach (var category in categories)
        {
            var likeness = Likeness(category.Name, category.Leaf);
            if (likeness > best.Likeness || (likeness == best.Likeness && likeness >= NearEnough && IsBefore(category, best.Category)))
            {
                best = (category, likeness);
            }
        }

        return best.Category.Id;
    }

    /// <returns>100 for the same name, 85 for a name that begins so, 70 for one that contains it, else up to 60 for the share of the words that are in it; 5 more for a leaf.</returns>
    public int Likeness(string candidate, bool leaf) =>
        (leaf ? 5 : 0) + (candidate == Text ? 100
            : candidate.StartsWith(Text, StringComparison.Ordinal) ? 85
            : candidate.Contains(Text, StringComparison.Ordinal) ? 70
            : (int)Math.Round(Words.Count(word => HasWord(candidate, word)) * 60.0 / Words.Count, MidpointRounding.AwayFromZero));

    /// <summary>Without cutting the name into pieces: a tree has tens of thousands of them.</summary>
    private static bool HasWord(string name, string word)
    {
        for (var at = 0; (at = name.IndexOf(word, at, StringComparison.Ordinal)) >= 0; at++)
        {
            if ((at == 0 || name[at - 1] == ' ') && (at + word.Length == name.Length || name[at + word.Length] == ' '))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBefore(NamedCategory one, NamedCategory other) =>
        one.Name.Length != other.Name.Length ? one.Name.Length < other.Name.Length : string.CompareOrdinal(one.Id, other.Id) < 0;
}
