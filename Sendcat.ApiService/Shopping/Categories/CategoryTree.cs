using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Shopping.Categories;

/// <summary>Reads eBay's category tree, which the worker stores in Postgres. It is empty until the worker's first fetch.</summary>
internal sealed class CategoryTree(RequestDatabase database, IOptionsMonitor<EbayOptions> options)
{
    private const string Columns = "category_id, category_name, parent_id, path, leaf";

    /// <summary>True for at most 12 digits, and for null or empty text, which means that no id was given.</summary>
    public static bool MayBeId(string? text) => string.IsNullOrEmpty(text) || (text.Length <= 12 && text.All(char.IsAsciiDigit));

    /// <summary>One page of the children of a category, sorted by name.</summary>
    /// <param name="parent">Id of the category; null: the top level of the tree.</param>
    /// <param name="after">Id of the last category of the previous page; null: the first page.</param>
    public async Task<Page<CategoryView>> ListAsync(string? parent, string? after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
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
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
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
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<CategoryView>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var parentId = await reader.IsDBNullAsync(2, CancellationToken.None) ? null : reader.GetString(2);
            rows.Add(new(reader.GetString(0), reader.GetString(1), parentId, reader.GetString(3), reader.GetBoolean(4)));
        }

        return rows;
    }
}

/// <param name="ParentId">Absent at the top level.</param>
/// <param name="Path">Names from the top level to this category, joined by <c> &gt; </c>.</param>
/// <param name="Leaf">True: the category has no children.</param>
internal sealed record CategoryView(string Id, string Name, string? ParentId, string Path, bool Leaf);
