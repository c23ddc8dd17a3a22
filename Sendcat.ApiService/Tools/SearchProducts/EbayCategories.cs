using Npgsql;
using Sendcat.Reliability.Outbound.Ebay;

namespace Sendcat.ApiService.Tools.SearchProducts;

/// <summary>eBay's category tree as the worker keeps it.</summary>
internal sealed class EbayCategories(NpgsqlDataSource database, TimeProvider time, ILogger<EbayCategories> logger)
{
    /// <summary>A category is a help, not a need.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // The categories that could be meant: those that contain the name, or a word of it.
    private const string Candidates = """
        select category_id, normalized_name, leaf from reliability.ebay_categories
        where marketplace_id = $1 and (strpos(normalized_name, $2) > 0 or string_to_array(normalized_name, ' ') && $3)
        """;

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
            await using var command = database.CreateCommand(Candidates);
            command.Parameters.Add(new() { Value = marketplace });
            command.Parameters.Add(new() { Value = wanted.Text });
            command.Parameters.Add(new() { Value = wanted.Words.ToArray() });
            await using var reader = await command.ExecuteReaderAsync(either.Token);
            (string? Id, int Score) best = (null, 0);
            while (await reader.ReadAsync(either.Token))
            {
                if (wanted.Likeness(reader.GetString(1), reader.GetBoolean(2)) is var score && score > best.Score)
                {
                    best = (reader.GetString(0), score);
                }
            }

            return best.Score >= CategoryName.NearEnough ? best.Id : null;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            logger.CategoriesUnreachable(exception.Message);
            return null;
        }
    }
}

/// <param name="Text">As the tree's names are kept.</param>
internal sealed record CategoryName(string Text, IReadOnlySet<string> Words)
{
    public const int NearEnough = 60;

    public static CategoryName Of(string name) => new(CategoryNames.Normalized(name), CategoryNames.Words(name).ToHashSet(StringComparer.Ordinal));

    /// <returns>100 for the same name, 85 for a name that begins so, 70 for one that contains it, else up to 60 for the share of the words that are in it; 5 more for a leaf.</returns>
    public int Likeness(string candidate, bool leaf) =>
        (leaf ? 5 : 0) + (candidate == Text ? 100
            : candidate.StartsWith(Text, StringComparison.Ordinal) ? 85
            : candidate.Contains(Text, StringComparison.Ordinal) ? 70
            : (int)Math.Round(Words.Count(candidate.Split(' ').Contains) * 60.0 / Words.Count, MidpointRounding.AwayFromZero));
}
