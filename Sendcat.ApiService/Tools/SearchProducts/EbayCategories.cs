using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>
/// An in-memory copy of eBay's category tree, which the worker stores in Postgres. Every product search with a category name searches it.
/// At most once a minute it checks Postgres for a newer tree.
/// </summary>
internal sealed class EbayCategories(RequestDatabase database, TimeProvider time, ILogger<EbayCategories> logger) : IDisposable
{
    /// <summary>Maximum time to read the tree. A search works without a category, so it does not wait longer.</summary>
    private static readonly TimeSpan DatabaseTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _refreshLock = new(1, 1);
    private volatile CachedTree? _cached;

    /// <summary>Finds the category that matches a name best. If the database is unavailable, the last cached tree is used.</summary>
    /// <returns>Id of the category; null if none is similar enough, or if the database is unavailable and no tree is cached.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<string?> FindIdAsync(string marketplace, string name, CancellationToken cancellationToken)
    {
        if (CategoryName.Of(name) is not { Words.Count: > 0 } wanted)
        {
            return null;
        }

        using var timeout = new CancellationTokenSource(DatabaseTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return wanted.Nearest(await CategoriesAsync(marketplace, either.Token));
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception) && !cancellationToken.IsCancellationRequested)
        {
            logger.CategoriesUnreachable(exception.Message);
            return _cached is { } old && old.Marketplace == marketplace ? wanted.Nearest(old.Categories) : null;
        }
    }

    public void Dispose() => _refreshLock.Dispose();

    private async ValueTask<IReadOnlyList<NamedCategory>> CategoriesAsync(string marketplace, CancellationToken cancellationToken)
    {
        if (FreshCategories(marketplace) is { } fresh)
        {
            return fresh;
        }

        await _refreshLock.WaitAsync(cancellationToken);
        try
        {
            if (FreshCategories(marketplace) is { } refreshed)
            {
                return refreshed;
            }

            var (old, now) = (_cached is { } cached && cached.Marketplace == marketplace ? cached : null, time.GetTimestamp());
            if (old is not null)
            {
                // Set before the query: if the database is unavailable, the searches of the next minute do not query it again.
                _cached = old with { CheckedAt = now };
            }

            var fetched = await FetchedAtAsync(marketplace, cancellationToken);
            if (old is null || old.FetchedAt != fetched)
            {
                _cached = new(marketplace, fetched, fetched is null ? [] : await ReadAsync(marketplace, cancellationToken), now);
            }

            return _cached!.Categories;
        }
        finally
        {
            _refreshLock.Release();
        }
    }

    /// <summary>The cached categories if they were checked within the last minute; null otherwise.</summary>
    private IReadOnlyList<NamedCategory>? FreshCategories(string marketplace) =>
        _cached is { } cached && cached.Marketplace == marketplace && time.GetElapsedTime(cached.CheckedAt) < CheckInterval
            ? cached.Categories
            : null;

    /// <returns>Time of the worker's last fetch; null: the tree was never fetched.</returns>
    private async Task<DateTime?> FetchedAtAsync(string marketplace, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- check ebay categories
            SELECT fetched_at FROM reliability.ebay_taxonomy_meta WHERE marketplace_id = $1
            """);
        command.Parameters.Add(new() { Value = marketplace });
        return (DateTime?)await command.ExecuteScalarAsync(CancellationToken.None);
    }

    private async Task<IReadOnlyList<NamedCategory>> ReadAsync(string marketplace, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- read ebay categories
            SELECT category_id, normalized_name, leaf FROM reliability.ebay_categories WHERE marketplace_id = $1
            """);
        command.Parameters.Add(new() { Value = marketplace });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var categories = new List<NamedCategory>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            categories.Add(new(reader.GetString(0), reader.GetString(1), reader.GetBoolean(2)));
        }

        return categories;
    }

    /// <param name="FetchedAt">Time of the worker's fetch; null: the worker has not fetched it yet.</param>
    /// <param name="CheckedAt">Timestamp of the last check for a newer tree.</param>
    private sealed record CachedTree(string Marketplace, DateTime? FetchedAt, IReadOnlyList<NamedCategory> Categories, long CheckedAt);
}

/// <param name="Name">The normalized name.</param>
internal readonly record struct NamedCategory(string Id, string Name, bool Leaf);

/// <summary>A category name as the model wrote it, prepared for the comparison with the tree.</summary>
/// <param name="Text">Normalized in the same way as the names of the tree.</param>
internal sealed record CategoryName(string Text, IReadOnlySet<string> Words)
{
    /// <summary>Minimum similarity of a match, on the scale of <see cref="Similarity"/>.</summary>
    public const int MinSimilarity = 60;

    public static CategoryName Of(string name) =>
        new(CategoryNames.Normalized(name), CategoryNames.Words(name).ToHashSet(StringComparer.Ordinal));

    /// <summary>
    /// Finds the most similar category. Among equals the shorter name wins, then the smaller id, so the result does not depend on the order
    /// of the list.
    /// </summary>
    /// <returns>Id of the category; null if none reaches <see cref="MinSimilarity"/>.</returns>
    public string? Nearest(IReadOnlyList<NamedCategory> categories)
    {
        (NamedCategory Category, int Similarity) best = (default, MinSimilarity - 1);
        foreach (var category in categories)
        {
            var similarity = Similarity(category.Name, category.Leaf);
            if (similarity > best.Similarity
                || (similarity == best.Similarity && similarity >= MinSimilarity && IsBefore(category, best.Category)))
            {
                best = (category, similarity);
            }
        }

        return best.Category.Id;
    }

    /// <summary>Scores a candidate from 0 to 105.</summary>
    /// <returns>
    /// 100 for the same name, 85 for a name that starts with this one, 70 for a name that contains it, otherwise up to 60 for the share of
    /// the words that the name contains; plus 5 for a leaf.
    /// </returns>
    public int Similarity(string candidate, bool leaf) =>
        (leaf ? 5 : 0) + (candidate == Text ? 100
            : candidate.StartsWith(Text, StringComparison.Ordinal) ? 85
            : candidate.Contains(Text, StringComparison.Ordinal) ? 70
            : (int)Math.Round(Words.Count(word => HasWord(candidate, word)) * 60.0 / Words.Count, MidpointRounding.AwayFromZero));

    /// <summary>Searches for a whole word without splitting the name, because a tree has tens of thousands of names.</summary>
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
