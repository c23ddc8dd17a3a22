using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Outbound.Ebay;

namespace Sendcat.ApiService.Shopping.Categories;

/// <summary>eBay's categories as the worker keeps them; none until it has fetched them for the first time.</summary>
internal sealed class CategoryTree(NpgsqlDataSource database, IOptionsMonitor<EbayOptions> options)
{
    private const string Columns = "category_id, category_name, parent_id, path, leaf";

    /// <summary>Empty is no id, and may stand for one that was not given.</summary>
    public static bool MayBeId(string? text) => string.IsNullOrEmpty(text) || (text.Length <= 12 && text.All(char.IsAsciiDigit));

    /// <summary>Children of a category by name; of none, the top of the tree.</summary>
    /// <param name="after">Id of the last one that was seen.</param>
    public async Task<Page<CategoryView>> ListAsync(string? parent, string? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            -- list categories
            SELECT {Columns} FROM reliability.ebay_categories
            WHERE marketplace_id = $1 AND parent_id {(parent is null ? "IS NULL" : "= $2")}
                AND ($3::text IS NULL OR (category_name, category_id) > (
                    SELECT category_name, category_id FROM reliability.ebay_categories WHERE marketplace_id = $1 AND category_id = $3))
            ORDER BY category_name, category_id LIMIT $4
            """);
        command.Parameters.Add(new() { Value = options.CurrentValue.MarketplaceId });
        command.Parameters.Add(new() { Value = (object?)parent ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = limit + 1 });
        var rows = await ReadAsync(command, cancellationToken);
        return new([.. rows.Take(limit)], rows.Count > limit ? rows[limit - 1].Id : null);
    }

    public async Task<CategoryView?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"""
            -- read category
            SELECT {Columns} FROM reliability.ebay_categories WHERE marketplace_id = $1 AND category_id = $2
            """);
        command.Parameters.Add(new() { Value = options.CurrentValue.MarketplaceId });
        command.Parameters.Add(new() { Value = id });
        return (await ReadAsync(command, cancellationToken)).FirstOrDefault();
    }

    private static async Task<List<CategoryView>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<CategoryView>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new(reader.GetString(0), reader.GetString(1), await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2), reader.GetString(3), reader.GetBoolean(4)));
        }

        return rows;
    }
}

/// <param name="ParentId">Absent at the top.</param>
/// <param name="Path">Names from the top, joined by <c> &gt; </c>.</param>
/// <param name="Leaf">It has no children.</param>
internal sealed record CategoryView(string Id, string Name, string? ParentId, string Path, bool Leaf);
